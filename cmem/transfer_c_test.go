//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// scavengeAfter leaves nothing in lists for the next test.
func scavengeAfter(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { Scavenge() })
}

// onBoostedP is onOneP, with empty lists and a cache that has as much as there is to be had.
func onBoostedP(t *testing.T) (pid int) {
	t.Helper()
	pid = onOneP(t)
	scavengeAfter(t)
	boostFully(pid)
	return pid
}

// waiting is how many blocks lie in the transfer list of class cls.
func waiting(cls uint) int { return int(atomic.LoadUint32(&c.Transfers[cls-c.TransferFirst].N)) }

func boostFully(pid int) {
	Scavenge()
	Free(Alloc(100))
	for last := int64(-1); last != caches[pid].Boost; {
		last = caches[pid].Boost
		boost(pid)
	}
}

// wave allocates k blocks of n bytes and frees them all.
func wave(k, n int) {
	blocks := make([][]byte, k)
	for i := range blocks {
		blocks[i] = Alloc(n)
	}
	for _, b := range blocks {
		Free(b)
	}
}

// withList is onBoostedP, and has blocks of n bytes in the magazine of their class, cls, which holds
// k, and in its transfer list.
func withList(t *testing.T, n int) (pid int, cls uint, k int) {
	t.Helper()
	pid = onBoostedP(t)
	cls, _ = classOf(n)
	k = c.MagazineSize(cls)
	wave(k+8, n)
	return pid, cls, k
}

// TestTransferWithoutCgo: what a cache has no room for goes to the transfer list and comes back
// from there, in Go.
func TestTransferWithoutCgo(t *testing.T) {
	needCaches(t)
	noLeak(t)
	pid := onBoostedP(t)
	for _, n := range []int{8 << 10, 30 << 10, 64 << 10, 256 << 10} {
		boostFully(pid)
		cls, size := classOf(n)
		k, live := c.MagazineSize(cls)+8, statsNow().LiveBytes
		wave(k, n)
		if waits := waiting(cls); waits == 0 {
			t.Errorf("%d bytes: %d blocks in the transfer list after %d frees", n, waits, k)
		}
		if s := statsNow(); s.CentralFreeBytes < uint64(waiting(cls)*size) || s.LiveBytes != live {
			t.Errorf("%d bytes: %d in part-filled spans and lists, %d live, %d before", n, s.CentralFreeBytes, s.LiveBytes, live)
		}
		checkSums(t)
		const waves = 1000
		before := runtime.NumCgoCall()
		for range waves {
			wave(k, n)
		}
		if calls := runtime.NumCgoCall() - before; calls > waves/2 {
			t.Errorf("%d bytes: %d cgo calls for %d waves of %d blocks", n, calls, waves, k)
		}
		checkSums(t)
		checkCaches(t)
	}
}

// TestTakenList: whoever finds a list taken does without.
func TestTakenList(t *testing.T) {
	noLeak(t)
	pid, cls, _ := withList(t, 64<<10)
	list, before := &c.Transfers[cls-c.TransferFirst], waiting(cls)
	if !enter(list) {
		t.Fatal("the list is taken, with nobody there")
	}
	procPin()
	ch := caches[pid]
	held, room := len(entries(&ch.Mag[cls])), ch.Room
	sent, received := send(ch, cls, 1), receive(ch, cls)
	procUnpin()
	if sent || received || waiting(cls) != before || len(entries(&ch.Mag[cls])) != held || ch.Room != room {
		t.Errorf("sent %v, received %v; %d and %d blocks, before %d and %d", sent, received, waiting(cls),
			len(entries(&ch.Mag[cls])), before, held)
	}
	leave(list)
	if !enter(list) {
		t.Error("the list stays taken")
	}
	leave(list)
}

// TestTryAllocTakesFromList: the other ways to allocate fetch what lies there too.
func TestTryAllocTakesFromList(t *testing.T) {
	noLeak(t)
	_, cls, k := withList(t, 64<<10)
	blocks := make([][]byte, k+1)
	before := waiting(cls)
	for i := range blocks {
		var err error
		if blocks[i], err = TryAlloc(64 << 10); err != nil {
			t.Fatal(err)
		}
	}
	if after := waiting(cls); after != 0 {
		t.Errorf("%d blocks lie in the list after a miss, %d before", after, before)
	}
	for _, b := range blocks {
		Free(b)
	}
}

// TestDoubleFreeByList: a block that stands in the list while it is in use is told by whoever takes
// it from there.
func TestDoubleFreeByList(t *testing.T) {
	noLeak(t)
	_, cls, k := withList(t, 64<<10)
	list := &c.Transfers[cls-c.TransferFirst]
	for range k { // empty the magazine
		defer Free(Alloc(64 << 10))
	}
	if waiting(cls) == 0 {
		t.Fatal("no block in the list")
	}
	tag := at[uint8](list.E[list.N-1].Tag)
	*tag = uint8(cls + 1)
	var got []byte
	err := misuseOf(func() { got = Alloc(64 << 10) })
	if err == nil {
		t.Fatalf("Alloc gave a block that is in use: %p", unsafe.SliceData(got))
	}
	Free(slice(unsafe.Pointer(at[byte](err.Ptr)), 64<<10)) // whoever had it
}

// TestHandOff passes buffers of many sizes from goroutine to goroutine, while the heap is settled
// and drained all the time.
func TestHandOff(t *testing.T) {
	noLeak(t)
	scavengeAfter(t)
	stop := make(chan struct{})
	var heap, users sync.WaitGroup
	heap.Add(1)
	go func() {
		defer heap.Done()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			step(time.Second)
			if i%100 == 99 {
				drain()
			}
			time.Sleep(100 * time.Microsecond)
		}
	}()
	rng, _ := newRand(t)
	for range 2 {
		on := make(chan []byte, 32)
		seed := rng.IntN(1 << 20)
		users.Add(2)
		go func() {
			defer users.Done()
			defer close(on)
			for i := range scaled(50000) {
				b := Alloc(8 << 10 << (i / 1000 % 8))
				b[0], b[len(b)-1] = byte(i+seed), byte(i+seed)
				on <- b
			}
		}()
		go func() {
			defer users.Done()
			i := 0
			for b := range on {
				if b[0] != byte(i+seed) || b[len(b)-1] != b[0] {
					t.Errorf("buffer %d of %d bytes is somebody else's too", i, len(b))
				}
				Free(b)
				i++
			}
		}()
	}
	users.Wait()
	close(stop)
	heap.Wait()
	drain()
	Scavenge()
	if s := statsNow(); s.MagazineBytes != 0 || s.LiveBytes == 0 && s.CentralFreeBytes != 0 {
		t.Errorf("%d bytes in magazines, %d free in central lists after a scavenge", s.MagazineBytes, s.CentralFreeBytes)
	}
}
