// Faulty makes one mistake, which its argument names. Tests build it with the tools that are to find it.
//
//cmemvet:ignore the mistakes are what it is for
package main

// extern void cmem_free(void *p);
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/gocmem/cmem/cmem"
)

// faults are those that can be made. Each is done in a block of n bytes.
var faults = map[string]func(n int){
	"none":              none,
	"uninitialised":     func(n int) { use(cmem.Alloc(n)[n-1:]) },
	"read-after-free":   readAfterFree,
	"write-after-free":  writeAfterFree,
	"overflow":          overflow,
	"overflow-reused":   overflowReused,
	"overflow-realloc":  overflowRealloc,
	"overflow-shrunk":   overflowShrunk,
	"handle-after-free": handleAfterFree,
	"race":              race,
	"race-reused":       raceReused,
	"free-in-c":         func(n int) { C.cmem_free(unsafe.Pointer(unsafe.SliceData(cmem.Alloc(n)))) },
}

func main() {
	var n int
	if len(os.Args) == 3 {
		if fault, ok := faults[os.Args[1]]; ok {
			if _, err := fmt.Sscan(os.Args[2], &n); err == nil && n > 0 {
				fault(n)
				return
			}
		}
	}
	fmt.Fprintln(os.Stderr, "usage: faulty FAULT BYTES")
	os.Exit(2)
}

// sink is where what was read goes, so that it is read.
var sink byte

// use reads b, and acts on it.
func use(b []byte) {
	for _, x := range b {
		if x == 255 {
			sink++
		}
	}
}

func none(n int) {
	for range 2 { // the second time in used memory
		b := cmem.Alloc(n)
		for i := range b {
			b[i] = byte(i)
		}
		b = cmem.Realloc(b, n+n/2)
		use(b[:n])
		b = cmem.Realloc(b, 3*n) // moves bytes that nobody has written
		use(b[:n])
		cmem.Free(b)
		b = cmem.AllocZeroed(n)
		use(b)
		cmem.Free(b)
		h := cmem.New(n)
		for i := range h.Bytes() { // not clear, of which Go does not tell MemorySanitizer
			h.Bytes()[i] = 1
		}
		use(h.Bytes())
		h.Free()
	}
	var s cmem.Stats
	cmem.ReadStats(&s)
	if s.LiveBlocks != 0 || s.Mallocs == 0 {
		fmt.Println("live blocks:", s.LiveBlocks)
		os.Exit(1)
	}
}

func readAfterFree(n int) {
	b := cmem.Alloc(n)
	cmem.Free(b)
	sink = b[n/2]
}

func writeAfterFree(n int) {
	b := cmem.Alloc(n)
	cmem.Free(b)
	b[n-1] = 1
}

// behind is b and the byte behind it.
func behind(b []byte) []byte { return unsafe.Slice(unsafe.SliceData(b), len(b)+1) }

func overflow(n int) {
	b := cmem.Alloc(n)
	behind(b)[n] = 1
}

// overflowReused writes behind a block that was larger for who had it before.
func overflowReused(n int) {
	cmem.Free(cmem.Alloc(n + 8))
	b := cmem.Alloc(n)
	behind(b)[n] = 1
}

// overflowRealloc writes behind a block that was cut.
func overflowRealloc(n int) {
	b := cmem.Realloc(cmem.Alloc(n+8), n)
	behind(b)[n] = 1
}

// overflowShrunk reads behind a block whose tail was cut off where it is, if it is of whole pages,
// and moved if it is small.
func overflowShrunk(n int) {
	b := cmem.Realloc(cmem.Alloc(3*n), n)
	sink = behind(b)[n]
}

func handleAfterFree(n int) {
	h := cmem.New(n)
	b := h.Bytes()
	h.Free()
	sink = b[0]
}

// race has a goroutine write to a buffer that another has freed before, with nothing that orders the two.
func race(n int) {
	b := cmem.Alloc(n)
	done := make(chan struct{})
	go func() {
		waitUnseen()
		b[n/2] = 1
		close(done)
	}()
	cmem.Free(b)
	raiseUnseen()
	<-done
}

// raceReused is race by a goroutine that allocates and frees, too, before it writes: nothing of
// that may count as an order between the other's Free and the write.
func raceReused(n int) {
	runtime.GOMAXPROCS(1) // so that it would get the memory of the other, were that reused
	b := cmem.Alloc(n)
	done := make(chan struct{})
	go func() {
		waitUnseen()
		for range 10 {
			c := cmem.Alloc(n)
			c[n/2] = 2
			cmem.Free(c)
		}
		b[n/2] = 1
		close(done)
	}()
	cmem.Free(b)
	raiseUnseen()
	<-done
}

// raised orders things in time, unseen by the race detector.
var raised bool

//go:norace
func raiseUnseen() { raised = true }

//go:norace
func waitUnseen() {
	for !raised {
		runtime.Gosched()
	}
}
