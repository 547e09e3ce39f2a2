package cmem

import (
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// The collector does not see the bytes behind handles, so a program that loses handles instead of
// freeing them would grow without a collection ever being due. (Over Go memory it sees them, but as
// live: the registry holds a block until its owner's cleanup has run.) So the bytes behind owners
// press on it. With
//
//	came   the bytes that press now, less those that pressed after the last collection (base)
//	M      Go's memory limit; the budget while TrackMemoryLimit is in force
//	inUse  what Go holds (its total less what it released) and 17/16 of what cmem holds, its free
//	       memory not counted
//	step   4 MiB; twice the last step after a collection at the limit that found less than half of
//	       what came to be lost
//	debt   the CPU time that the collections at the limit have taken, less what the process has used
//	       otherwise; 0 at least
//
// a collection is due when
//
//	came ≥ max(4 MiB, GOGC/100 · max(base, 4 MiB))                   as the heap grows, or
//	came ≥ step  and  inUse ≥ M − 4 MiB  and  debt ≤ 1 s             at the memory limit.
//
// The first is the collector's own rule for the Go heap. The second holds with GOGC=off too. cmem's
// free memory does not count there, as new handles use it before the process grows; but for a
// sixteenth, as not all of it fits. The step makes collections rare where handles come and go and
// none is lost. The debt bounds the cost: but for a first second these collections take half of the
// CPU time at most, as Go's own do at the limit (its limiter has such a bucket too). What is lost
// while the debt is too high may exceed M.
//
// Who has added twice as many bytes as made a collection due waits for its end.
//
// What handles hold is counted where they come and go (heldByHandles), and looked at where one
// needs a new owner: a program that loses handles needs them for ever, one that frees its handles
// finds freed ones and never comes here.

// pressureFloor is what the Go runtime takes for its own smallest heap (4 MiB at GOGC=100).
const pressureFloor = 4 << 20

// pressureCheck is how many bytes come between two looks at all Ps' counts. A look costs 1 µs, and
// from pressureFloor on 2 µs.
const pressureCheck = 256 << 10

var pressure struct {
	total  atomic.Int64  // bytes of arenas and of what is attached, those included that are lost and not yet collected
	base   atomic.Int64  // pressing after the last collection
	cycles atomic.Uint64 // collections, whoever started them, when base was set for one
	unseen atomic.Int64  // bytes that came since the last look

	// collecting is locked while a collection that was started here is under way; who waits for its
	// end locks it too. (A condition or a channel would not do in a testing/synctest bubble: its
	// goroutines may not wait on them for one outside. Nor would a sync.RWMutex: its Unlock lets
	// the readers go some time before TryLock succeeds again, and they allocate without bound
	// meanwhile.)
	collecting sync.Mutex

	// Of the last collection at the limit. Cleanups may run long after it.
	step    atomic.Int64 // why it was due
	missing atomic.Int64 // half of what had come, less what was found lost since
	debt    atomic.Int64 // CPU time, when it ended
	ended   atomic.Int64 // cpuTime at that time
}

// mostDebt is how high the debt may be.
const mostDebt = time.Second

// pressing is how many bytes press on the collector.
func pressing() int64 { return pressure.total.Load() + heldByHandles() }

// press adds n bytes and sees to a collection where one is due.
func press(n int) {
	pressure.total.Add(int64(n))
	pressed(n)
}

// pressed sees to a collection where one is due, n bytes having been added.
func pressed(n int) {
	if pressure.unseen.Add(int64(n)) < pressureCheck {
		return
	}
	pressure.unseen.Store(0)
	total, base := pressing(), pressure.base.Load()
	if total < base { // handles were freed
		pressure.base.CompareAndSwap(base, total)
		return
	}
	came := total - base
	if came < pressureFloor {
		return
	}
	g := readCollector()
	if noteCycles(g.cycles) {
		return
	}
	step, atLimit := g.step(base), false
	if came < step {
		step, atLimit = limitStep(), true
		if came < step || !g.atLimit() || debtAt(cpuTime()) > mostDebt {
			return
		}
	}
	if pressure.collecting.TryLock() {
		if atLimit {
			go collectAtLimit(came, step)
		} else {
			go collect()
		}
	}
	if came >= 2*step {
		waitForCollection()
	}
}

// noteCycles sets the base if there was a collection since it was set; cycles is how many there
// have been. Nothing runs at the end of a stranger's collection that would tell: a finalizer would
// wait behind those of the program, of which one may never return. So what came between that end
// and this look, pressureFloor as a rule, is in the base too.
func noteCycles(cycles uint64) bool {
	seen := pressure.cycles.Load()
	if cycles <= seen {
		return false
	}
	if pressure.cycles.CompareAndSwap(seen, cycles) {
		pressure.base.Store(pressing())
	}
	return true
}

// unpress takes n bytes back whose buffer was freed by hand.
func unpress(n int) { pressure.total.Add(-int64(n)) }

// unpressCollected takes n bytes back whose owner the collector has found lost (those of a handle
// stay counted in the P that made it: total may fall below 0). They were part of the base too: that
// was set when the collection ended, before the cleanups.
func unpressCollected(n int) {
	pressure.missing.Add(-int64(n))
	pressure.total.Add(-int64(n))
	for {
		base := pressure.base.Load()
		if pressure.base.CompareAndSwap(base, max(base-int64(n), 0)) {
			return
		}
	}
}

// collector is what Go's runtime tells of its collector.
type collector struct {
	cycles uint64 // how many have ended
	gogc   uint64 // percent
	limit  int64  // GOMEMLIMIT, debug.SetMemoryLimit; math.MaxInt64: none
}

func readCollector() collector {
	s := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(s)
	return collector{s[0].Value.Uint64(), s[1].Value.Uint64(), int64(s[2].Value.Uint64())}
}

// step is by how many bytes those that press may grow from base before a collection is due.
func (g collector) step(base int64) int64 {
	if g.gogc > math.MaxInt32 { // GOGC=off
		return math.MaxInt64 / 4
	}
	return max(pressureFloor, int64(float64(max(base, pressureFloor))*float64(g.gogc)/100))
}

// atLimit tells whether Go and cmem together have nearly come to the memory limit: what may come
// until the next collection still fits.
func (g collector) atLimit() bool {
	budget := memoryBudget(g.limit)
	if budget == math.MaxInt64 {
		return false
	}
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	n := inUseBytes()
	return int64(s[0].Value.Uint64()-s[1].Value.Uint64())+n+n/16 >= budget-pressureFloor
}

// limitStep is the step at the memory limit.
func limitStep() int64 {
	if pressure.missing.Load() > 0 {
		return 2 * pressure.step.Load()
	}
	return pressureFloor
}

// debtAt is the debt at a cpuTime.
func debtAt(t time.Duration) time.Duration {
	return max(0, time.Duration(pressure.debt.Load())-(t-time.Duration(pressure.ended.Load())))
}

// collect is a collection that was started here, by who has locked pressure.collecting.
func collect() {
	collectLost(collectPatience)
	noteCycles(readCollector().cycles)
	pressure.collecting.Unlock()
}

// collectAtLimit is a collect for the memory limit, which so many bytes made due, as they were step
// at least.
func collectAtLimit(came, step int64) {
	pressure.step.Store(step)
	pressure.missing.Store(came / 2)
	began := cpuTime()
	debt := debtAt(began)
	collectLost(collectPatience)
	for since := monotonic(); pressure.missing.Load() > 0 && monotonic()-since < reclaimPatience; {
		runtime.Gosched() // on a busy machine the cleanups may come later
	}
	noteCycles(readCollector().cycles)
	ended := cpuTime()
	pressure.debt.Store(int64(debt + ended - began))
	pressure.ended.Store(int64(ended))
	pressure.collecting.Unlock()
}

// collectPatience is for collectLost. A sleep would take a millisecond, twice the collection.
const collectPatience = 50 * time.Microsecond

// collectLost collects, and waits for the cleanups, which free what is lost, until none has come
// for `patience`.
func collectLost(patience time.Duration) {
	runtime.GC()
	total, since := pressure.total.Load(), monotonic()
	for monotonic()-since < patience {
		runtime.Gosched()
		if now := pressure.total.Load(); now < total {
			total, since = now, monotonic()
		}
	}
}

// waitForCollection waits until the collection under way has ended.
func waitForCollection() {
	pressure.collecting.Lock()
	pressure.collecting.Unlock()
}
