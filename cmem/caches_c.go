//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// The table of caches. A P gets its cache on its first slow path. drain takes caches away, for
// whoever is pinned comes first: it hides them, stops the world once, and then has them for itself.

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

// maxProcs is how many Ps may have a cache; those above go to the central lists for every block.
const maxProcs = 1024

// caches holds the cache of each P: nil until its first slow path, and again after drain has
// emptied and parked it. Caches lie in C memory and are never freed.
var (
	caches   [maxProcs]*c.Cache
	parked   [maxProcs]*c.Cache // at most one of caches[i] and parked[i] is set
	cachesMu sync.Mutex         // for writing both
)

// cacheless tells that no P gets a cache, so that every Alloc and Free goes the slow way, to C,
// which tells the tool that watches the program's memory (AddressSanitizer, MemorySanitizer,
// memcheck). The fast paths find no cache; they test for nothing else.
var cacheless = c.Cacheless()

// myCache is the cache of P pid, or nil.
func myCache(pid int) *c.Cache {
	if uint(pid) < maxProcs {
		return caches[pid]
	}
	return nil
}

// withCache makes sure that the P the caller runs on has a cache, as far as memory allows and
// unless the caches are being drained. The caller may run on another P afterwards.
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

// pinCache pins the caller, and returns its P and that P's cache, which is made if there is none;
// nil where it cannot be.
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

// withParked parks the caches of the Ps that are wanted, and calls f with each: nobody uses it
// then. First they are taken out of the fast paths' sight. A goroutine that saw one before is
// pinned until it is through with it, and a pinned goroutine keeps the world from stopping: so
// after one stop of the world (ReadMemStats makes one, 1-6 µs, or 100 where threads must be woken)
// nobody is using them. Then the caches go that belong to Ps which GOMAXPROCS has taken away, so
// that the others may hold what they might.
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

// setCache makes ch the cache of P pid. Under cachesMu.
func setCache(pid int, ch *c.Cache) {
	atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&caches[pid])), unsafe.Pointer(ch))
}

// seenCache is the cache of P pid, or nil, for who is not pinned to it.
func seenCache(pid int) *c.Cache {
	return (*c.Cache)(atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&caches[pid]))))
}
