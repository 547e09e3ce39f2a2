//go:build cgo

package main

import "testing"

func TestRawItem(t *testing.T) {
	for _, length := range []int{0, 1, allocLimit, allocLimit + 1, 100_000, 5 << 20} {
		item := newRawItem(length)
		if len(item.Body) != length || item.alloc != nil && cap(item.Body) != length {
			t.Errorf("%d bytes: len %d, cap %d", length, len(item.Body), cap(item.Body))
		}
		if inC := item.alloc != nil; inC != (length > allocLimit) {
			t.Errorf("%d bytes in C's memory: %t", length, inC)
		}
		if item.alloc == nil {
			continue
		}
		if &item.Body[0] != item.alloc {
			t.Error("the body is not where the block is")
		}
		item.Body[length-1] = 1
		if grown := append(item.Body, 'x'); &grown[0] == item.alloc {
			t.Error("an append has written behind the block")
		}
		item.free()
	}
}

// Those that were freed are none of the finalizers'.
func TestRawItemFreed(t *testing.T) {
	finalized.Store(0)
	for range 100 {
		newRawItem(100_000).free()
	}
	loseRawItems(10)
	collectUntil(func() bool { return finalized.Load() >= 10 })
	if n := finalized.Load(); n != 10 {
		t.Errorf("%d bodies were freed by finalizers, expected the 10 that nobody has freed", n)
	}
}
