//go:build !(cgo && linux && (amd64 || arm64 || riscv64)) || race

package cmem

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// The heap over Go memory, for builds without libcmem and for the race detector, which sees nothing
// in C memory. Live blocks stand in a registry, so that misuse is found as it is over libcmem.
// Freed blocks are reused by class through sync.Pool, except under the race detector, where they
// are dropped: the pool's synchronization would order a use after free behind the Free, and hide
// the race.

// A goBlock is a block: all its bytes.
type goBlock struct {
	mem  []byte
	held holder
	once bool // is not reused: it is a part of more memory (allocAligned)
}

// A holder is what a live block belongs to.
type holder uint8

const (
	heldByCaller holder = iota
	heldAttached        // hangs on an owner
	heldOwned           // of a handle or an arena, which alone frees it
)

const shards = 64

// registry holds the live blocks by their start.
var registry [shards]struct {
	sync.Mutex
	live map[uintptr]*goBlock
	_    [64]byte // a cache line apart
}

// pools holds free blocks of each class.
var pools [numClasses]sync.Pool

var goStats struct {
	liveBytes, liveBlocks, totalAlloc, mallocs atomic.Uint64
	hugeBytes, hugeBlocks, hugeMallocs         atomic.Uint64
	bySize                                     [numClasses]struct{ mallocs, frees atomic.Uint64 }
}

func shardOf(p uintptr) int { return int(uint64(p) >> 4 * 0x9E3779B97F4A7C15 >> 58) }

// allocFast has nothing to offer here.
func allocFast(int) unsafe.Pointer { return nil }

func alloc(n int) unsafe.Pointer { return allocOther(n) }

// allocSlow allocates n > 0 bytes.
func allocSlow(n int, zero bool) unsafe.Pointer {
	if overLimit(n) {
		return nil
	}
	if n <= maxClassSize {
		cls, _ := classOf(n)
		if blk, _ := pools[cls].Get().(*goBlock); blk != nil {
			if zero {
				clear(blk.mem[:n])
			}
			return enter(blk, n)
		}
	}
	mem := tryMake(blockSize(n))
	if mem == nil {
		return nil
	}
	return enter(&goBlock{mem: mem}, n)
}

// allocAligned is allocSlow at a multiple of align, a power of two.
func allocAligned(n, align int) unsafe.Pointer {
	if overLimit(n) {
		return nil
	}
	align = max(align, 16)
	size := blockSize(n)
	mem := tryMake(size + align)
	if mem == nil {
		return nil
	}
	at := int(-uintptr(unsafe.Pointer(unsafe.SliceData(mem))) & uintptr(align-1))
	return enter(&goBlock{mem: mem[at : at+size : at+size], once: true}, n)
}

// overLimit tells whether n bytes more would exceed the limit.
func overLimit(n int) bool {
	limit := heapLimit.Load()
	return limit > 0 && goStats.liveBytes.Load()+uint64(n) > uint64(limit)
}

// blockSize is the size of a block for n bytes.
func blockSize(n int) int {
	if n <= maxClassSize {
		_, size := classOf(n)
		return size
	}
	return (n + 4095) &^ 4095
}

// tryMake makes size bytes; nil where that is more than a slice can have.
func tryMake(size int) (mem []byte) {
	// make panics where the size is out of range; where memory is out it ends the process, as for any
	// Go memory.
	defer func() {
		if recover() != nil {
			mem = nil
		}
	}()
	return make([]byte, size)
}

// enter makes blk a live block of n bytes, and returns its start.
func enter(blk *goBlock, n int) unsafe.Pointer {
	p := unsafe.Pointer(unsafe.SliceData(blk.mem))
	sh := &registry[shardOf(uintptr(p))]
	sh.Lock()
	if sh.live == nil {
		sh.live = map[uintptr]*goBlock{}
	}
	sh.live[uintptr(p)] = blk
	sh.Unlock()
	size := uint64(len(blk.mem))
	goStats.liveBytes.Add(size)
	goStats.liveBlocks.Add(1)
	goStats.totalAlloc.Add(size)
	goStats.mallocs.Add(1)
	if n <= maxClassSize {
		cls, _ := classOf(n)
		goStats.bySize[cls].mallocs.Add(1)
	} else {
		goStats.hugeBytes.Add(size)
		goStats.hugeBlocks.Add(1)
		goStats.hugeMallocs.Add(1)
	}
	return p
}

// take removes the live block at p from the registry; nil where none starts there that one of these
// holds.
func take(p uintptr, holders ...holder) *goBlock {
	sh := &registry[shardOf(p)]
	sh.Lock()
	defer sh.Unlock()
	blk := sh.live[p]
	if blk == nil || !slices.Contains(holders, blk.held) {
		return nil
	}
	delete(sh.live, p)
	return blk
}

// mark gives the live block at p from its caller to h; false where none starts there or it is not
// the caller's.
func mark(p uintptr, h holder) bool {
	sh := &registry[shardOf(p)]
	sh.Lock()
	defer sh.Unlock()
	blk := sh.live[p]
	if blk == nil || blk.held != heldByCaller {
		return false
	}
	blk.held = h
	return true
}

func free(p unsafe.Pointer) {
	a := uintptr(p)
	blk := take(a, heldByCaller, heldAttached)
	if blk == nil {
		if freeC(a) {
			return
		}
		misuse(a, "Free")
	}
	if blk.held == heldAttached {
		detach(a)
	}
	recycle(blk)
}

// recycle counts blk as freed and keeps it for the next allocation.
func recycle(blk *goBlock) {
	size := len(blk.mem)
	huge := size > maxClassSize
	cls, _ := classOf(min(size, maxClassSize))
	// All counting comes before the write: what is atomic orders, and a use after free behind it would
	// be no race.
	goStats.liveBytes.Add(-uint64(size))
	goStats.liveBlocks.Add(^uint64(0))
	if huge {
		goStats.hugeBytes.Add(-uint64(size))
		goStats.hugeBlocks.Add(^uint64(0))
	} else {
		goStats.bySize[cls].frees.Add(1)
	}
	wrote(blk.mem)
	if raceEnabled || huge || blk.once {
		return
	}
	blk.held = heldByCaller
	pools[cls].Put(blk)
}

func owns(p uintptr) bool {
	sh := &registry[shardOf(p)]
	sh.Lock()
	blk := sh.live[p]
	owns := blk != nil && blk.held != heldOwned
	sh.Unlock()
	return owns || blk == nil && usableC(p) > 0
}

// find returns the live block that covers p, and its start; a block without memory where there is
// none.
func find(p uintptr) (start uintptr, blk goBlock) {
	for i := range registry {
		sh := &registry[i]
		sh.Lock()
		for start, blk := range sh.live {
			if p-start < uintptr(len(blk.mem)) {
				found := *blk // others may mark it once the lock is gone
				sh.Unlock()
				return start, found
			}
		}
		sh.Unlock()
	}
	return 0, goBlock{}
}

func usable(p unsafe.Pointer, fn string) int {
	a := uintptr(p)
	sh := &registry[shardOf(a)]
	sh.Lock()
	blk := sh.live[a]
	owned := blk != nil && blk.held == heldOwned
	sh.Unlock()
	if owned && fn != "Usable" {
		misuse(a, fn)
	}
	if blk != nil {
		return len(blk.mem)
	}
	n := usableC(a)
	if n == 0 {
		misuse(a, fn)
	}
	return n
}

func misuse(a uintptr, fn string) {
	fault := "use after free"
	if frees(fn) {
		fault = "double free"
	}
	what := fault + " or foreign pointer: no live block of cmem starts there"
	if start, blk := find(a); start == a && blk.held == heldOwned {
		what = fmt.Sprintf("owned block: its %d bytes belong to a Go handle (cmem.Buffer) or arena (cmem.Arena), whose "+
			"Free frees them", len(blk.mem))
	} else if blk.mem != nil {
		what = fmt.Sprintf("not the start of a block: %d bytes into the live block of %d bytes at %#x", a-start, len(blk.mem),
			start)
	} else if w := describeC(a, frees(fn)); w != "" {
		what = w
	}
	panic(&MisuseError{fn, a, what})
}

// shrink cannot cut what make has made.
func shrink(unsafe.Pointer, int) bool { return false }

func resized(unsafe.Pointer, int, int) {}

func move(q, b []byte) { copy(q, b) }

func attach(p uintptr) bool { return mark(p, heldAttached) }

func freeAttached(p uintptr) {
	if blk := take(p, heldAttached); blk != nil {
		recycle(blk)
	}
}

func attachMisuse(p uintptr) {
	if start, blk := find(p); start == p && blk.held == heldAttached {
		panic(&MisuseError{"Attach", p, attachedAlready})
	}
	misuse(p, "Attach")
}

func fastPath() string { return "go" }

func readStats(s *Stats) {
	live := goStats.liveBytes.Load()
	*s = Stats{
		HeapSys:    live,
		HeapInuse:  live,
		LiveBytes:  live,
		LiveBlocks: goStats.liveBlocks.Load(),
		TotalAlloc: goStats.totalAlloc.Load(),
		Mallocs:    goStats.mallocs.Load(),
	}
	s.HugeBytes, s.HugeBlocks = goStats.hugeBytes.Load(), goStats.hugeBlocks.Load()
	s.HugeMallocs = goStats.hugeMallocs.Load()
	for cls := range s.BySize {
		n := &goStats.bySize[cls]
		s.BySize[cls].Mallocs, s.BySize[cls].Frees = n.mallocs.Load(), n.frees.Load()
	}
	s.Frees = s.Mallocs - s.LiveBlocks
	addC(s)
}

func writeSpans(w io.Writer) error {
	if err := writeSpansC(w); err != nil {
		return err
	}
	sizes := map[uintptr]int{}
	for i := range registry {
		sh := &registry[i]
		sh.Lock()
		for p, blk := range sh.live {
			sizes[p] = len(blk.mem)
		}
		sh.Unlock()
	}
	out := bufio.NewWriter(w)
	for _, p := range slices.Sorted(maps.Keys(sizes)) {
		kind, size := "small", sizes[p]
		switch {
		case size > maxClassSize:
			kind = "huge"
		case size >= 32<<10:
			kind = "large"
		}
		fmt.Fprintf(out, "0x%012x %9d %-5s %-9s %11d %6d %6d %6d %10s %9d\n",
			p, (size+4095)/4096, kind, "inuse", size, 1, 1, 0, "-", 0)
	}
	return out.Flush()
}

// The limit is looked up where it counts.
func limitHeap(int64) {}

// What is free here is the Go collector's to give back.
func scavenge(time.Duration) int64 { return 0 }

// residentBytes, inUseBytes: the Go runtime counts these itself.
func residentBytes() int64 { return 0 }
func inUseBytes() int64    { return 0 }
