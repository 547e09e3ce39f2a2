//go:build cgo

package raw

import (
	"testing"
	"unsafe"
)

func TestAllocFree(t *testing.T) {
	var blocks []*byte
	sizes := []uintptr{1, 16, 1000, 1 << 20, 32 << 20}
	for i, n := range sizes {
		p := Alloc(n)
		if p == nil {
			t.Fatalf("Alloc(%d) = nil", n)
		}
		b := unsafe.Slice(p, n)
		for j := range b {
			b[j] = byte(i + j)
		}
		blocks = append(blocks, p)
	}
	for i, p := range blocks {
		for j, got := range unsafe.Slice(p, sizes[i]) {
			if got != byte(i+j) {
				t.Fatalf("byte %d of %d is %d, want %d", j, sizes[i], got, byte(i+j))
			}
		}
		Free(p)
	}
	Free(Alloc(0))
	Free(nil)
}

func BenchmarkPair(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		Free(Alloc(10 << 10))
	}
}
