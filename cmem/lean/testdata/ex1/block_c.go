//go:build cgo

// These files are laid over the package examples/vsz/ex1.

package main

// #include <unistd.h>
//
// static int blocked;
//
// static void block(void) {
//     __atomic_add_fetch(&blocked, 1, __ATOMIC_SEQ_CST);
//     for (;;) pause();
// }
//
// static int count(void) { return __atomic_load_n(&blocked, __ATOMIC_SEQ_CST); }
import "C"

import (
	"os"
	"strconv"
	"time"
)

// init blocks BLOCK threads in C.
func init() {
	n, _ := strconv.Atoi(os.Getenv("BLOCK"))
	for range n {
		go C.block()
	}
	for int(C.count()) < n {
		time.Sleep(time.Millisecond)
	}
}
