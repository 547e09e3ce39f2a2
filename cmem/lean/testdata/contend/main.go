// Command contend makes threads of C call malloc and free at the same time and prints the
// nanoseconds that a pair of calls takes a thread:
//
//	contend THREADS PAIRS MIN MAX   so many threads, pairs a thread, of blocks of MIN to MAX bytes
package main

// #cgo LDFLAGS: -lpthread
// #include "contend.h"
import "C"

import (
	"fmt"
	"os"
	"strconv"
	"time"

	_ "github.com/gocmem/cmem/cmem/lean"
)

func main() {
	var n [4]C.size_t
	for i := range n {
		v, err := strconv.ParseUint(os.Args[1+i], 10, 32)
		if err != nil {
			panic(err)
		}
		n[i] = C.size_t(v)
	}
	start := time.Now()
	if C.contend(n[0], n[1], n[2], n[3]) != 0 {
		panic("no thread, or no memory")
	}
	fmt.Println(float64(time.Since(start).Nanoseconds()) / float64(n[1]))
}
