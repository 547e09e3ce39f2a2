package cmem

import (
	"errors"
	"testing"
	"unsafe"
)

// Buffers of an arena are aligned, apart from each other, and keep what was written, whatever their
// sizes.
func TestArena(t *testing.T) {
	noLeak(t)
	rng, _ := newRand(t)
	a := NewArena()
	defer a.Free()
	for round := range 20 {
		var bufs [][]byte
		sum := 0
		for i := range 500 {
			n := rng.IntN(300)
			if i%50 == 0 {
				n = rng.IntN(200_000)
			}
			b := a.Alloc(n)
			if len(b) != n || cap(b) != n || n > 0 && uintptr(unsafe.Pointer(unsafe.SliceData(b)))%16 != 0 {
				t.Fatalf("Alloc(%d): length %d, capacity %d, at %p", n, len(b), cap(b), unsafe.SliceData(b))
			}
			for j := range b {
				b[j] = byte(i)
			}
			bufs = append(bufs, b)
			sum += n
		}
		if a.Len() != sum {
			t.Errorf("round %d: Len %d, want %d", round, a.Len(), sum)
		}
		for i, b := range bufs {
			for _, x := range b {
				if x != byte(i) {
					t.Fatalf("round %d: buffer %d was overwritten", round, i)
				}
			}
		}
		a.Reset()
		if a.Len() != 0 {
			t.Errorf("Len %d after Reset", a.Len())
		}
		if got := statsNow().LiveBytes; offHeap && got > 1<<20 {
			t.Errorf("%d bytes are live after Reset", got)
		}
	}
}

// An arena that is used alike again and again comes to take all from one chunk that it keeps; one
// that is used less gives that back.
func TestArenaAdapts(t *testing.T) {
	noLeak(t)
	Scavenge() // a boosted cache may serve a chunk with a larger block
	before := statsNow()
	a := NewArena()
	defer a.Free()
	live := func(lives, bytes int) (mallocs, held uint64) {
		begin := statsNow().Mallocs
		for range lives {
			for range bytes / 64 {
				a.Alloc(64)
			}
			a.Reset()
		}
		s := statsNow()
		return s.Mallocs - begin, s.LiveBytes - before.LiveBytes
	}
	live(4, 40<<10)
	if mallocs, held := live(100, 40<<10); mallocs != 0 || held != 64<<10 {
		t.Errorf("after 4 lives of 40 KB 100 more made %d allocations, and %d bytes are held, want 0 and 65536", mallocs,
			held)
	}
	if _, held := live(5, 1<<20); held > arenaMost || held < 64<<10 {
		t.Errorf("%d bytes are held after a life of 1 MB, want 65536 to %d", held, arenaMost)
	}
	if _, held := live(6*arenaPatience, 128); held != arenaFirst {
		t.Errorf("%d bytes are held after %d lives of 128 B, want %d", held, 6*arenaPatience, arenaFirst)
	}
}

func misuseOf(f func()) (err *MisuseError) {
	defer func() { err, _ = recover().(*MisuseError) }()
	f()
	return nil
}

func TestArenaMisuse(t *testing.T) {
	noLeak(t)
	a := NewArena()
	b := a
	a.Alloc(100)
	a.Free()
	b.Free()
	c := NewArena() // the same owner, most often
	c.Alloc(100)
	for name, f := range map[string]func(){
		"Alloc after Free": func() { b.Alloc(1) },
		"Len after Free":   func() { b.Len() },
		"Reset after Free": func() { b.Reset() },
		"Alloc of zero":    func() { Arena{}.Alloc(1) },
	} {
		if err := misuseOf(f); err == nil {
			t.Errorf("%s: no *MisuseError", name)
		}
	}
	b.Free()
	Arena{}.Free()
	if len(c.Alloc(10)) != 10 || c.Len() != 110 {
		t.Error("a stale handle has changed another arena")
	}
	func() {
		defer func() {
			if err, _ := recover().(error); !errors.Is(err, ErrSize) {
				t.Errorf("Alloc(-1): panic with %v, want ErrSize", err)
			}
		}()
		c.Alloc(-1)
	}()
	c.Free()
}

// Arenas that are lost are freed by the collector, and their bytes press on it.
func TestLostArenas(t *testing.T) {
	collectAll(t)
	noLeak(t)
	for range 300 {
		NewArena().Alloc(1 << 20)
	}
	// Under the race detector a free takes a millisecond, as a write to the whole buffer: cleanups lag
	// behind.
	if got := statsNow().LiveBytes; got > 250<<20 && !raceBuild {
		t.Errorf("%d bytes of lost arenas were not collected", got)
	}
	collectAll(t)
}

func BenchmarkArena(b *testing.B) {
	a := NewArena()
	defer a.Free()
	for i := range b.N {
		if i%1000 == 0 {
			a.Reset()
		}
		a.Alloc(64)
	}
}
