package cmem

import (
	"runtime"
	"testing"
)

// TestPressure loses 2 GB of handles and makes hardly any garbage: collections must come nonetheless.
func TestPressure(t *testing.T) {
	noLeak(t)
	before := statsNow()
	var most uint64
	for range scaled(2000) {
		b := New(1 << 20)
		dirty(b.Bytes())
		runtime.KeepAlive(b)
		runtime.Gosched() // cleanups get their turn
		most = max(most, statsNow().LiveBytes-before.LiveBytes)
	}
	if !slowBuild && most > 256<<20 {
		t.Errorf("%d MB were lost before they were collected", most>>20)
	}
	afterGC(t, "all lost buffers are freed", func() bool { return statsNow().LiveBlocks == before.LiveBlocks })
}
