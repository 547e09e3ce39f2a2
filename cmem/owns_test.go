package cmem

import (
	"runtime"
	"sync"
	"testing"
)

// checkOwns checks that Owns says of b what Free does.
func checkOwns(t *testing.T, what string, b []byte, want bool) {
	t.Helper()
	for _, b := range [][]byte{b, b[:0]} {
		before := statsNow()
		if got := Owns(b); got != want {
			t.Errorf("%s: Owns is %v, want %v", what, got, want)
		}
		if after := statsNow(); before != after {
			t.Errorf("%s: Owns changed the figures", what)
		}
	}
	if !want && cap(b) > 0 {
		if _, ok := panicOf(func() { Free(b) }).(*MisuseError); !ok {
			t.Errorf("%s: Owns is false, and Free takes it", what)
		}
	}
}

func TestOwns(t *testing.T) {
	noLeak(t)
	checkOwns(t, "nil", nil, false)
	checkOwns(t, "empty", []byte{}, false)
	checkOwns(t, "Alloc(0)", Alloc(0), false)
	checkOwns(t, "Go memory", make([]byte, 100), false)
	checkOwns(t, "large Go memory", make([]byte, 1<<20), false)
	for _, n := range []int{1, 16, 1000, 30 << 10, 32 << 10, 100_000, 300_000, maxClassSize, maxClassSize + 1} {
		for _, a := range allocators {
			b := a.alloc(n)
			checkOwns(t, a.name, b, true)
			checkOwns(t, "no capacity", b[n:], false)
			if n >= 16 {
				checkOwns(t, "the second byte", b[1:], false)
				checkOwns(t, "the last byte", b[n-1:], false)
				checkOwns(t, "the middle", b[n/2:], false)
			}
			if n > 8192 {
				checkOwns(t, "the second page", b[4096:], false)
			}
			moved := append(b, 1)
			checkOwns(t, "what append made", moved, false)
			if !Owns(b) {
				t.Errorf("%s of %d bytes is live still", a.name, n)
			}
			Free(b)
			checkOwns(t, "freed", b, false)
		}
		b := Alloc(n)
		owner := &handle{name: "of the attached"}
		Attach(owner, b)
		checkOwns(t, "attached", b, true)
		Free(b)
		runtime.KeepAlive(owner)
		checkOwns(t, "attached and freed", b, false)

		h := New(n)
		checkOwns(t, "a handle's", h.Bytes(), false)
		stale := h.Bytes()
		h.Free()
		checkOwns(t, "a freed handle's", stale, false)

		arena := NewArena()
		checkOwns(t, "an arena's", arena.Alloc(n), false)
		checkOwns(t, "an arena's", arena.Alloc(n), false)
		arena.Free()

		Scavenge()
		checkOwns(t, "given back", b, false)
	}
}

// Any address at all is asked for.
func TestOwnsAnything(t *testing.T) {
	b := Alloc(1000)
	defer Free(b)
	for shift := range 64 {
		for _, off := range []uintptr{0, 1, 8, 4096} {
			a := uintptr(1)<<shift | off
			if a != addr(b) && Owns(wild(a, 1)) {
				t.Errorf("Owns of %#x is true", a)
			}
		}
	}
	page := addr(b) &^ 4095
	owned := 0
	for a := page; a < page+4096; a++ {
		if Owns(wild(a, 1)) {
			owned++
		}
	}
	if owned == 0 || owned > 256 {
		t.Errorf("%d blocks start in a page", owned)
	}
}

// Owns of what other goroutines allocate and free at the time is either, and harms nobody.
func TestOwnsMeanwhile(t *testing.T) {
	noLeak(t)
	stop := make(chan struct{})
	addresses := make(chan uintptr, 64)
	var all sync.WaitGroup
	for w := range 3 {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := 0; ; i++ {
				b := fill(Alloc(100+(i*w)%50_000), uint64(i))
				select {
				case <-stop:
					Free(b.b)
					return
				case addresses <- addr(b.b):
				default:
				}
				if err := b.err(); err != nil {
					t.Error(err)
				}
				Free(b.b)
				if i%500 == 0 {
					Scavenge()
				}
			}
		}()
	}
	mine := Alloc(100)
	for range scaled(50_000) {
		Owns(wild(<-addresses, 1))
		if !Owns(mine) {
			t.Fatal("a live buffer is not owned")
		}
	}
	close(stop)
	all.Wait()
	Free(mine)
}
