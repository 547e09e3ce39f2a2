//go:build cgo && linux && (amd64 || arm64 || riscv64)

package main

// #cgo CFLAGS: -std=gnu11 -I${SRCDIR}/../../c
// #cgo LDFLAGS: -lpthread
// #include "threads.h"
import "C"

import (
	"errors"
	"unsafe"

	_ "github.com/gocmem/cmem/c" // the library that threads.c links with
)

// cThreadFamily is the family of threads that only this build has.
var cThreadFamily = []string{"c"}

type cThreads struct{ ts *C.struct_footprint_threads }

func startCThreads(n int, work string, seed uint64) (threads, error) {
	kinds := map[string]uint32{"idle": C.FOOTPRINT_IDLE, "raw": C.FOOTPRINT_MALLOC, "cmem": C.FOOTPRINT_CMEM}
	s := lognormalSizes()
	ts := C.footprint_threads_start(C.size_t(n), kinds[work], threadSlots,
		(*C.int32_t)(unsafe.Pointer(s)), C.size_t(len(s)), C.uint64_t(seed))
	if ts == nil {
		return nil, errors.New("no thread, or no memory")
	}
	return cThreads{ts}, nil
}

func (t cThreads) live() int64 { return int64(C.footprint_threads_live(t.ts)) }
func (t cThreads) stop()       { C.footprint_threads_stop(t.ts) }
