//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime"
	"testing"
	"time"

	"github.com/gocmem/cmem/c"
)

// held is how many blocks of n's class the cache of P pid holds.
func held(pid, n int) int {
	cls, _ := classOf(n)
	ch := myCache(pid)
	if ch == nil {
		return 0
	}
	return len(entries(&ch.Mag[cls]))
}

// fillMagazine leaves k blocks of n bytes in the caller's magazine.
func fillMagazine(k, n int) {
	blocks := make([][]byte, k)
	for i := range blocks {
		blocks[i] = Alloc(n)
	}
	for _, b := range blocks {
		Free(b)
	}
}

// TestTrim: what lay in a magazine all the time goes, and what was used meanwhile stays.
func TestTrim(t *testing.T) {
	pid := onOneP(t)
	drain()
	fillMagazine(8, 64<<10)
	fillMagazine(8, 16<<10)
	c.MarkCaches()
	idle, used := held(pid, 64<<10), held(pid, 16<<10)
	if idle < 8 || used < 8 {
		t.Fatalf("the magazines hold %d and %d blocks", idle, used)
	}
	var out [5][]byte
	for i := range out {
		out[i] = Alloc(16 << 10)
	}
	step(forever)
	for _, b := range out {
		Free(b)
	}
	step(forever)
	capacity, before := caches[pid].Capacity, statsNow()
	trimCaches()
	if n := held(pid, 64<<10); n != 0 {
		t.Errorf("%d blocks are left that lay there all the time, of %d", n, idle)
	}
	if n := held(pid, 16<<10); n != len(out) {
		t.Errorf("%d blocks are left of those that were used, expected %d", n, len(out))
	}
	ch := caches[pid]
	if ch == nil || ch.Capacity != capacity {
		t.Fatal("the P has not its cache any more, or not its capacity")
	}
	if s := statsNow(); ch.Room != ch.Capacity-int64(s.MagazineBytes) || s.LiveBlocks != before.LiveBlocks {
		t.Errorf("room for %d bytes, of %d, with %d held; %d live blocks, %d before", ch.Room, ch.Capacity, s.MagazineBytes,
			s.LiveBlocks, before.LiveBlocks)
	}
}

// TestTrimLittle: less than trimLeast is not worth it.
func TestTrimLittle(t *testing.T) {
	pid := onOneP(t)
	drain()
	fillMagazine(8, 100)
	n := held(pid, 100)
	c.MarkCaches()
	step(forever)
	trimCaches()
	if got := held(pid, 100); got != n || n == 0 {
		t.Errorf("%d blocks of 100 bytes are left, of %d", got, n)
	}
}

// TestTrimTaken: a P that GOMAXPROCS has taken away keeps nothing, and its cache's share goes to
// the others.
func TestTrimTaken(t *testing.T) {
	needCaches(t)
	noLeak(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	defer SetIdleLimit(SetIdleLimit(0))
	drain()
	stop, pids := make(chan bool), make(chan int, 8)
	for range 8 {
		go func() {
			runtime.LockOSThread()
			seen := map[int]bool{}
			for {
				select {
				case <-stop:
					return
				default:
				}
				fillMagazine(2, 4<<10)
				pid := procPin()
				procUnpin()
				if !seen[pid] {
					seen[pid] = true
					pids <- pid
				}
				runtime.Gosched()
			}
		}()
	}
	above := false
	for deadline := time.After(5 * time.Second); !above; {
		select {
		case pid := <-pids:
			above = pid >= 2
		case <-deadline:
			t.Skip("no goroutine ran on another than the first two Ps")
		}
	}
	go func() {
		for range pids {
		}
	}()
	close(stop)
	runtime.GOMAXPROCS(2)
	for range 8 { // a goroutine may have been between two Ps
		time.Sleep(10 * time.Millisecond)
		step(forever)
		trimCaches()
	}
	for pid := 2; pid < maxProcs; pid++ {
		if caches[pid] != nil || parked[pid] != nil {
			t.Errorf("P %d is gone and has a cache", pid)
		}
	}
	const most = 1 << 20
	if got := *c.Capacity; got > most || got < most/2 {
		t.Errorf("a cache's capacity is %d with two Ps, expected %d", got, most)
	}
}
