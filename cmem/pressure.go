package cmem

import (
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// The collector does not see the bytes behind handles, so a program that loses handles instead of freeing them would grow
// without a collection ever being due. (Over Go memory it sees them, but as live: the registry holds a block until its
// owner's cleanup has run.) So the bytes behind owners press on it: when they have doubled since the last
// collection (more exactly: grown by GOGC percent, and by pressureFloor at least), one is started; an allocator that gets
// as far ahead again waits for it.
//
// What handles hold is counted where they come and go (heldByHandles), and looked at where one needs a new owner: a program
// that loses handles needs them for ever, one that frees its handles finds freed ones and never comes here.

// pressureFloor is what the Go runtime takes for its own smallest heap (4 MiB at GOGC=100).
const pressureFloor = 4 << 20

// pressureCheck is how many bytes come between two looks at all Ps' counts.
const pressureCheck = 256 << 10

var pressure struct {
	total  atomic.Int64 // bytes of arenas and of what is attached, those included that are lost and not yet collected
	base   atomic.Int64 // pressing after the last collection
	unseen atomic.Int64 // bytes that came since the last look

	once sync.Once // for watching collections

	// collecting is locked while a collection that was started here is under way; who waits for its end takes a read lock. (A
	// condition or a channel would not do in a testing/synctest bubble: its goroutines may not wait on them for one outside.)
	collecting sync.RWMutex
}

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
	pressure.once.Do(noteCollection)
	total := pressing()
	base := pressure.base.Load()
	if total < base { // handles were freed
		pressure.base.CompareAndSwap(base, total)
		return
	}
	if total-base < pressureFloor {
		return
	}
	step := pressureStep(base)
	if total-base < step {
		return
	}
	if pressure.collecting.TryLock() {
		go collect()
	}
	if total-base >= 2*step {
		waitForCollection()
	}
}

// unpress takes n bytes back whose buffer was freed by hand.
func unpress(n int) { pressure.total.Add(-int64(n)) }

// unpressCollected takes n bytes back whose owner the collector has found lost (those of a handle stay counted in the P that
// made it: total may fall below 0). They were part of the base too: that was
// set when the collection ended, before the cleanups.
func unpressCollected(n int) {
	pressure.total.Add(-int64(n))
	for {
		base := pressure.base.Load()
		if pressure.base.CompareAndSwap(base, max(base-int64(n), 0)) {
			return
		}
	}
}

// pressureStep is by how much the bytes may grow from base before a collection: as GOGC says, which may change at any time.
func pressureStep(base int64) int64 {
	gogc := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(gogc)
	percent := gogc[0].Value.Uint64()
	if percent > math.MaxInt32 { // GOGC=off
		return math.MaxInt64 / 4
	}
	return max(pressureFloor*int64(percent)/100, int64(float64(base)*float64(percent)/100), 64<<10)
}

// collect is a collection that was started here, by who has locked pressure.collecting.
func collect() {
	collectLost(50 * time.Microsecond) // a sleep would take a millisecond, twice the collection
	pressure.collecting.Unlock()
}

// collectLost collects, and waits for the cleanups, which free what is lost, until none has come for `patience`.
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
	pressure.collecting.RLock()
	pressure.collecting.RUnlock()
}

// noteCollection makes every collection, whoever starts it, set the base: a finalizer on an object that nobody holds runs
// after each, and makes the next one.
func noteCollection() {
	note := new([16]byte) // not tiny: those share their memory with others
	runtime.SetFinalizer(note, func(*[16]byte) {
		pressure.base.Store(pressing())
		noteCollection()
	})
}
