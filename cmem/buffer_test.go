package cmem

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestBuffer(t *testing.T) {
	noLeak(t)
	for _, n := range []int{1, 100, 5000, 100_000, maxClassSize + 1} {
		b := New(n)
		f := fill(b.Bytes(), uint64(n))
		if len(f.b) != n || cap(f.b) != n || b.Len() != n {
			t.Errorf("New(%d): length %d, capacity %d, Len %d", n, len(f.b), cap(f.b), b.Len())
		}
		clone := b
		if got := clone.Bytes(); addr(got) != addr(f.b) || len(got) != n {
			t.Errorf("the copy of a handle has other bytes")
		}
		f.check(t)
		clone.Free()
		checkStale(t, b)
		checkStale(t, clone)
		b.Free()
		clone.Free()
	}
}

// checkStale checks that b, which was freed, gives nothing away.
func checkStale(t *testing.T, b Buffer) {
	t.Helper()
	for name, f := range map[string]func(){
		"Bytes": func() { b.Bytes() },
		"Len":   func() { b.Len() },
	} {
		value := panicOf(f)
		if e, ok := value.(*MisuseError); !ok || e.Error() != "cmem: Buffer.Bytes: the buffer was freed" {
			t.Errorf("%s of a buffer that was freed: panic value %v", name, value)
		}
	}
}

// TestBufferEmpty is about handles on nothing.
func TestBufferEmpty(t *testing.T) {
	noLeak(t)
	var zero Buffer
	if b := zero.Bytes(); len(b) != 0 || zero.Len() != 0 {
		t.Errorf("the zero Buffer has %d bytes, Len %d", len(b), zero.Len())
	}
	zero.Free()
	zero.Free()
	zero.Bytes()

	before := statsNow()
	b := New(0)
	if got := b.Bytes(); len(got) != 0 || cap(got) != 0 || b.Len() != 0 {
		t.Errorf("New(0) has %d bytes, capacity %d, Len %d", len(got), cap(got), b.Len())
	}
	b.Free()
	checkStale(t, b)
	b.Free()
	if after := statsNow(); after != before {
		t.Errorf("New(0) changed the figures:\n%+v\n%+v", before, after)
	}
}

// TestBufferStale uses a handle whose owner serves another buffer by now.
func TestBufferStale(t *testing.T) {
	noLeak(t)
	reused := 0
	for i := range 1000 {
		stale := New(1000)
		stale.Free()
		b := New(1000)
		f := fill(b.Bytes(), uint64(i+1))
		if b.o == stale.o {
			reused++
		}
		checkStale(t, stale)
		stale.Free()
		stale.Free()
		f.check(t)
		if got := b.Bytes(); addr(got) != addr(f.b) {
			t.Fatal("a stale handle changed another's buffer")
		}
		b.Free()
	}
	if reused == 0 {
		t.Error("no owner was used again")
	}
}

// TestBufferConcurrentFree frees copies of a handle by two goroutines at the very same time, and by
// many.
func TestBufferConcurrentFree(t *testing.T) {
	noLeak(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	free := func(b Buffer) {
		if value := panicOf(b.Free); value != nil {
			t.Errorf("a concurrent Free panics: %v", value)
		}
	}
	p := newPair()
	for start := time.Now(); p.rounds < scaled(50_000) && time.Since(start) < 2*time.Second; {
		b := New(500)
		p.together(func() { free(b) }, func() { free(b) })
		if t.Failed() {
			break
		}
	}
	p.end()
	for range scaled(200) {
		b := New(500)
		before := statsNow().Frees
		var all sync.WaitGroup
		for range 16 {
			all.Add(1)
			go func() {
				defer all.Done()
				free(b)
			}()
		}
		all.Wait()
		if got := statsNow().Frees - before; got != 1 {
			t.Fatalf("16 goroutines freed %d times, want 1", got)
		}
		checkStale(t, b)
	}
}

// TestBufferLost drops handles, which the collector is to find.
func TestBufferLost(t *testing.T) {
	noLeak(t)
	before := statsNow().LiveBlocks
	kept := New(100)
	f := fill(kept.Bytes(), 1)
	lose := func() {
		for i := range 500 {
			b := New(100 + 100*i)
			b.Bytes()[0] = 1
			if i%2 == 0 {
				clone := b
				clone.Bytes()[1] = 2
			}
		}
		New(0)
		for range 10 {
			New(maxClassSize + 1)
		}
	}
	lose()
	afterGC(t, "lost buffers are freed", func() bool { return statsNow().LiveBlocks == before+1 })
	f.check(t)
	runtime.KeepAlive(kept)
	kept.Free()
}

// TestBufferHeld keeps one copy of a handle, in the heap, through collections.
func TestBufferHeld(t *testing.T) {
	noLeak(t)
	held := &struct{ b Buffer }{New(5000)}
	f := fill(held.b.Bytes(), 1)
	for range 3 {
		runtime.GC()
	}
	f.check(t)
	if got := held.b.Bytes(); addr(got) != addr(f.b) {
		t.Error("a held handle lost its buffer")
	}
	held.b.Free()
}

// TestBufferStress makes, hands over, frees twice and loses handles in many goroutines.
func TestBufferStress(t *testing.T) {
	noLeak(t)
	before := statsNow().LiveBlocks
	var all sync.WaitGroup
	hand := make(chan Buffer, 64)
	for w := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range scaled(4000) {
				b := New(64 + i%3000)
				f := fill(b.Bytes(), uint64(w)<<32|uint64(i))
				switch i % 4 {
				case 0: // lost
				case 1:
					select {
					case hand <- b:
					default:
						b.Free()
					}
				case 2:
					go b.Free()
					b.Free()
				default:
					if err := f.err(); err != nil {
						t.Error(err)
					}
					b.Free()
				}
				select {
				case b := <-hand:
					b.Free()
					b.Free()
				default:
				}
				if i%1000 == 0 {
					runtime.GC()
				}
				runtime.KeepAlive(b)
			}
		}()
	}
	all.Wait()
	close(hand)
	for b := range hand {
		b.Free()
	}
	afterGC(t, "all buffers are freed", func() bool { return statsNow().LiveBlocks == before })
}

// What the nets free is counted, and nothing else is.
func TestNetFrees(t *testing.T) {
	collectAll(t)
	before := statsNow()
	New(5000).Free()
	func() { New(6000); Attach(new([64]byte), Alloc(7000)) }()
	b := Alloc(8000)
	owner := new([64]byte)
	Attach(owner, b)
	Free(b)
	runtime.KeepAlive(owner)
	afterGC(t, "two buffers freed by the nets", func() bool { return statsNow().NetFrees-before.NetFrees == 2 })
	if got := statsNow().NetFreedBytes - before.NetFreedBytes; got != 13000 {
		t.Errorf("the nets have freed %d bytes, want 13000", got)
	}
}

// TestBufferWhileMarking makes and frees handles while the collector is at work, more and fewer at
// a time than Ps keep owners: none of those in use may be taken for lost.
func TestBufferWhileMarking(t *testing.T) {
	collectAll(t)
	noLeak(t)
	before := statsNow().NetFrees
	stop := make(chan struct{})
	var all sync.WaitGroup
	for w := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			var held [100]Buffer
			for i := 0; ; i++ {
				select {
				case <-stop:
					for _, b := range held {
						b.Free()
					}
					return
				default:
				}
				runtime.Gosched() // for the collector
				for j := range 1 + (i*7+w)%len(held) {
					held[j].Free()
					held[j] = New(100 + j)
					held[j].Bytes()[0] = byte(j)
				}
				for j, b := range held {
					if b != (Buffer{}) && b.Bytes()[0] != byte(j) {
						t.Errorf("buffer %d of goroutine %d was overwritten", j, w)
						return
					}
				}
			}
		}()
	}
	for start := time.Now(); time.Since(start) < time.Second; {
		runtime.GC()
	}
	close(stop)
	all.Wait()
	for range 3 {
		runtime.GC()
	}
	if got := statsNow().NetFrees - before; got != 0 {
		t.Errorf("%d handles in use were taken for lost", got)
	}
}
