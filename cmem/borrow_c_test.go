//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// TestBorrow: a boosted cache serves a request with a larger block of up to a doubling.
func TestBorrow(t *testing.T) {
	pid := onOneP(t)
	for _, tt := range []struct {
		have, want int
		same       bool
	}{{100 << 10, 97 << 10, true}, {100 << 10, 60 << 10, true}, {100 << 10, 40 << 10, false},
		{100 << 10, 200 << 10, false}} {
		for _, boosted := range []bool{false, true} {
			drain()
			Free(Alloc(1))
			if boosted {
				boost(pid)
			}
			b := Alloc(tt.have)
			Free(b)
			a := Alloc(tt.want)
			fits := usableOf(tt.want) == usableOf(tt.have)
			if same := unsafe.SliceData(a) == unsafe.SliceData(b); same != (tt.same && boosted || fits) && tt.want < tt.have {
				t.Errorf("boosted %v: %d bytes after %d were freed: the same block: %v", boosted, tt.want, tt.have, same)
			}
			if have := Usable(a); have < tt.want || len(a) != tt.want || cap(a) != tt.want {
				t.Errorf("%d bytes: len %d, cap %d, usable %d", tt.want, len(a), cap(a), have)
			}
			Free(a)
			if misuseOf(func() { Free(a) }) == nil {
				t.Error("a second Free went through")
			}
			h := New(tt.want) // goes back to the class that it came from
			p, size := h.Bytes(), Usable(h.Bytes())
			h.Free()
			if again := Alloc(size); addr(again) != addr(p) {
				t.Errorf("boosted %v: %d bytes, of a class of %d, were not freed to that class", boosted, tt.want, size)
			} else {
				Free(again)
			}
		}
	}
}

// TestBorrowEverywhere: whoever allocates borrows from a boosted cache, however low the ordinary
// capacity is, as with many Ps.
func TestBorrowEverywhere(t *testing.T) {
	pid := onOneP(t)
	ordinary := atomic.LoadInt64(c.Capacity)
	defer atomic.StoreInt64(c.Capacity, ordinary)
	var handles []Buffer // kept: the collector would free them at any time, into the cache that is looked at
	for _, limit := range []int64{ordinary, 256 << 10} {
		for name, alloc := range map[string]func(n int) []byte{
			"Alloc":       Alloc,
			"AllocZeroed": AllocZeroed,
			"TryAlloc":    func(n int) []byte { b, _ := TryAlloc(n); return b },
			"New":         func(n int) []byte { handles = append(handles, New(n)); return handles[len(handles)-1].Bytes() },
		} {
			for _, boosted := range []bool{false, true} {
				drain()
				atomic.StoreInt64(c.Capacity, limit)
				Free(Alloc(1))
				caches[pid].Trips = c.Trips{} // it gets no boost by itself
				if boosted {
					boost(pid)
				}
				b := Alloc(100 << 10)
				Free(b)
				a := alloc(60 << 10)
				if same := addr(a) == addr(b); same != boosted {
					t.Errorf("%s, ordinary capacity %d, boosted %v: 60 KiB after 100 KiB were freed: the same block: %v", name, limit,
						boosted, same)
				}
				if name != "New" {
					Free(a)
				}
			}
		}
	}
	for _, h := range handles {
		h.Free()
	}
}

// TestBorrowSmall: no more than a doubling where steps are of 16 bytes, though onOneP has left
// blocks of 112 bytes.
func TestBorrowSmall(t *testing.T) {
	pid := onOneP(t)
	boost(pid)
	b := Alloc(48)
	if n := Usable(b); n > 96 {
		t.Errorf("48 bytes: %d usable, want 96 at most", n)
	}
	Free(b)
}

func usableOf(n int) int {
	_, size := classOf(n)
	return size
}
