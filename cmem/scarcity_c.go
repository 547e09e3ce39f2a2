//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime/metrics"
	"time"

	"github.com/gocmem/cmem/c"
)

// Scarcity: how much of a tracked memory budget is needed, and how much cmem has free beside that.
// The scavenger shortens the idle limit by these (c/pacer.h).

// othersPeriod is how often the cgroup's use is looked at.
const othersPeriod = time.Second

// trackedUse is for the background: the budget, what is needed of it, and what cmem has free beside
// that; 0 where no budget is tracked. Needed are what cmem has in use, the live part of Go's heap,
// all else that Go holds, and what other processes of the cgroup use. Go's garbage is not: with
// GOGC=off Go fills its budget by design.
func trackedUse() (budget, need, free int64) {
	tracker.Lock()
	defer tracker.Unlock()
	if tracker.users == 0 {
		return 0, 0, 0
	}
	if now := monotonic(); tracker.stat != "" && (tracker.othersAt == 0 || now-tracker.othersAt >= othersPeriod) {
		tracker.othersAt = now
		tracker.others = max(cgroupUse(tracker.stat)-residentSize("/proc/self/statm"), 0)
	}
	var st c.Stats
	c.ReadStats(&st)
	free = int64(st.HeapIdle - st.HeapReleased + st.MagazineBytes + st.ThreadCacheBytes)
	return tracker.budget.Load(), residentOf(&st) - free + goNeeds() + tracker.others, free
}

// goNeeds is what Go's runtime needs: its memory, but for what its heap holds that is not live.
func goNeeds() int64 {
	m := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(m)
	need := int64(m[0].Value.Uint64()) + int64(m[1].Value.Uint64())
	for _, heap := range m[2:] {
		need -= int64(heap.Value.Uint64())
	}
	return need
}
