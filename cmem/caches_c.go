//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// The table of caches. A P gets its cache on its first slow path. drain empties all caches, and
// trim (trim_c.go) what lies in them unused. Only whoever is pinned to a P may touch its cache. So
// both first take the caches out of the table, and stop the world once: then nobody is in them
// (withParked).

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

// maxProcs is how many Ps may have a cache. Those above go to the central lists for every block.
const maxProcs = 1024

// caches holds the cache of each P: nil until its first slow path, and again while the cache is
// parked, from drain to the P's next slow path. Caches lie in C memory that is never unmapped: C
// keeps a deleted cache's for the next one.
var (
	caches   [maxProcs]*c.Cache
	parked   [maxProcs]*c.Cache // at most one of caches[i] and parked[i] is set
	cachesMu sync.Mutex         // for writing both
)

// cacheless tells that no P gets a cache, as a tool watches the program's memory (AddressSanitizer,
// MemorySanitizer, memcheck). Then every Alloc and Free goes the slow way, to C, which tells the
// tool. The fast paths need no test for that: they find no cache.
var cacheless = c.Cacheless()

// myCache is the cache of P pid, or nil.
func myCache(pid int) *c.Cache {
	if uint(pid) < maxProcs {
		return caches[pid]
	}
	return nil
}

// withCache makes sure that the P that the caller runs on has a cache: its parked one, or a new
// one. It gives up where memory is out or somebody else has cachesMu. The caller may run on another
// P afterwards.
func withCache() {
	pid := procPin()
	procUnpin()
	if pid >= maxProcs || !cachesMu.TryLock() {
		return
	}
	defer cachesMu.Unlock()
	ch := caches[pid]
	if ch == nil {
		ch = parked[pid]
	}
	if ch == nil {
		ch = c.NewCache()
	}
	if ch == nil {
		return
	}
	parked[pid] = nil
	setCache(pid, ch)
	noteUse()
}

// pinCache pins the caller, and returns its P and that P's cache, having made one if there was
// none; nil where withCache gave up.
func pinCache() (pid int, ch *c.Cache) {
	pid = procPin()
	if ch = myCache(pid); ch == nil {
		procUnpin()
		withCache()
		pid = procPin()
		ch = myCache(pid)
	}
	return pid, ch
}

// drain empties the caches of all Ps and parks them.
func drain() {
	withParked(func(int) bool { return true }, func(_ int, ch *c.Cache) { c.Flush(ch) })
}

// withParked parks the caches of the Ps that are wanted, and calls f with each while nobody uses
// it. First it takes them out of the table. A goroutine that found one there before is pinned until
// it is through with it, and a pinned goroutine keeps the world from stopping. So after one stop of
// the world (ReadMemStats makes one, 1-6 µs, or 100 where threads must be woken) nobody is using
// them. Last it deletes the parked caches of Ps that GOMAXPROCS has taken away, so that their
// shares of the budget go to the other caches.
func withParked(wanted func(pid int) bool, f func(pid int, ch *c.Cache)) {
	cachesMu.Lock()
	defer cachesMu.Unlock()
	var taken []int
	for pid := range caches {
		if ch := caches[pid]; ch != nil && wanted(pid) {
			parked[pid] = ch
			setCache(pid, nil)
			taken = append(taken, pid)
		}
	}
	if len(taken) == 0 {
		return
	}
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	for _, pid := range taken {
		f(pid, parked[pid])
	}
	for pid := runtime.GOMAXPROCS(0); pid < maxProcs; pid++ {
		if ch := parked[pid]; ch != nil {
			c.DeleteCache(ch)
			parked[pid] = nil
		}
	}
}

// setCache puts ch into the table as the cache of P pid; nil takes it out. Under cachesMu.
func setCache(pid int, ch *c.Cache) {
	atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&caches[pid])), unsafe.Pointer(ch))
}

// seenCache is the cache of P pid, or nil, for a caller that is not pinned to that P.
func seenCache(pid int) *c.Cache {
	return (*c.Cache)(atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&caches[pid]))))
}
