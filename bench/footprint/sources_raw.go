//go:build cgo

package main

import (
	"unsafe"

	"github.com/gocmem/cmem/cmem/raw"
)

const haveRaw = true

func newRaw() (source, error) { return cMalloc{}, nil }

type cMalloc struct{}

func (cMalloc) get(n int) []byte { return unsafe.Slice(raw.Alloc(uintptr(n)), n) }
func (cMalloc) put(b []byte)     { raw.Free(unsafe.SliceData(b)) }
