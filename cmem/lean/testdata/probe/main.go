// Command probe blocks threads in C, as many as its argument says, prints how large a stack in
// bytes has a thread of Go's and one of C's, and waits for the end of its standard input.
package main

// #include "probe.h"
import "C"

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	_ "github.com/gocmem/cmem/cmem/lean"
)

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	for range n {
		go C.probe_block()
	}
	for int(C.probe_blocked()) < n {
		time.Sleep(time.Millisecond)
	}
	ofGo := make(chan uint64)
	go func() {
		runtime.LockOSThread() // not the main thread, which main holds
		ofGo <- uint64(C.probe_stack())
	}()
	fmt.Println(<-ofGo, uint64(C.probe_new_stack()))
	io.Copy(io.Discard, os.Stdin)
}

func init() { runtime.LockOSThread() }
