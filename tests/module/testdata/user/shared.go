//go:build cgo

package main

/*
#include "cmem.h"
#include <string.h>

static void *make_block(size_t n) {
    void *p = cmem_alloc(n);
    if (p != NULL) memset(p, 'c', n);
    return p;
}

static int take_block(void *p, size_t n) {
    int ok = cmem_usable_size(p) >= n && memchr(p, 'g', 1) != NULL;
    cmem_free(p);
    return ok;
}
*/
import "C"

import (
	"bytes"
	"errors"
	"unsafe"

	"github.com/gocmem/cmem/cmem"
)

func init() {
	shared = func() error {
		for _, n := range []int{10, 5000, 300_000, 17 << 20} {
			b := unsafe.Slice((*byte)(C.make_block(C.size_t(n))), n)
			if !bytes.Equal(b, bytes.Repeat([]byte{'c'}, n)) {
				return errors.New("a block of C's has other bytes")
			}
			cmem.Free(b)

			b = cmem.Alloc(n)
			b[0] = 'g'
			if C.take_block(unsafe.Pointer(unsafe.SliceData(b)), C.size_t(n)) == 0 {
				return errors.New("C does not find what Go wrote")
			}
		}
		return nil
	}
}
