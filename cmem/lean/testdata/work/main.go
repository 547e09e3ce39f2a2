// Command work does on threads of cgo what takes the most stack of what programs commonly do there:
// it calls glibc's hungrier functions, calls back into Go from C, resolves names in C, collects
// garbage, takes profiles and tracebacks. With the argument panic it ends with a panic, with fault
// by a fault in C.
package main

// #include <stdlib.h>
// #include "work.h"
import "C"

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"time"
	"unsafe"

	_ "github.com/gocmem/cmem/cmem/lean"
)

func main() {
	var cpu bytes.Buffer
	must(pprof.StartCPUProfile(&cpu))
	var wg sync.WaitGroup
	for range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread() // for good, so that each gets a thread of its own
			inC()
			inGo()
		}()
	}
	wg.Wait()
	pprof.StopCPUProfile()
	if len(os.Args) > 1 {
		end(os.Args[1])
	}
	fmt.Println("done")
}

func inC() {
	C.work_format()
	C.work_sort()
	C.work_match()
	C.work_convert()
	C.work_library()
	C.work_call_back(20)
	C.work_call_back_on_thread(3)
	host := C.CString("localhost")
	defer C.free(unsafe.Pointer(host))
	C.work_resolve(host)
}

// workBack is called by C, to call C again until n is 0.
//
//export workBack
func workBack(n C.int) {
	if n > 0 {
		C.work_call_back(n - 1)
		return
	}
	runtime.GC()
	debug.Stack()
}

func inGo() {
	resolver := net.Resolver{PreferGo: false}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := resolver.LookupHost(ctx, "localhost"); err != nil {
		panic(err)
	}
	_, _ = user.Lookup("nobody-of-that-name")
	recurse(10000)
	must(pprof.Lookup("goroutine").WriteTo(io.Discard, 2))
	must(pprof.Lookup("heap").WriteTo(io.Discard, 1))
}

// recurse makes the goroutine's stack grow, which is done on the thread's.
func recurse(n int) byte {
	var frame [64]byte
	frame[n%64] = 1
	if n > 0 {
		frame[0] += recurse(n - 1)
	}
	return frame[0]
}

// end ends the program as how says.
func end(how string) {
	go func() {
		switch how {
		case "panic":
			panic("as asked")
		case "fault":
			C.work_fault()
		}
	}()
	select {}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
