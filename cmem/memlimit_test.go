package cmem

import (
	"runtime/debug"
	"testing"
)

// TestTrackMemoryLimit sets a budget and fills C memory: Go's limit gives way, and comes back.
func TestTrackMemoryLimit(t *testing.T) {
	noLeak(t)
	const budget = 4 << 30
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(budget))
	undo, undoAgain := TrackMemoryLimit(), TrackMemoryLimit()
	if offHeap {
		b := Alloc(256 << 20)
		afterGC(t, "Go's limit is lower by what C holds", func() bool { return debug.SetMemoryLimit(-1) <= budget-256<<20 })
		if got := memoryBudget(debug.SetMemoryLimit(-1)); got != budget {
			t.Errorf("the budget is %d while it is tracked, want %d", got, int64(budget))
		}
		Free(b)
		Scavenge()
		afterGC(t, "Go's limit is back once C's memory is", func() bool { return debug.SetMemoryLimit(-1) > budget-64<<20 })
	}
	undo()
	undo() // does nothing
	undoAgain()
	if got := memoryBudget(5); got != 5 {
		t.Errorf("the budget is %d at the end, want Go's limit, 5", got)
	}
	if got := debug.SetMemoryLimit(-1); got != budget {
		t.Errorf("the limit is %d at the end, want %d", got, int64(budget))
	}
}
