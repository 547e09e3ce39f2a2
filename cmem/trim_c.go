//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gocmem/cmem/c"
)

// What lies in a magazine and is not used goes: the steps of the scavenger note the fewest blocks
// that each held, and every now and then so many of its oldest leave it. So do all that the Ps hold
// that GOMAXPROCS has taken away.

const (
	trimPeriod = time.Second // at least, as it stops the world
	trimLeast  = 64 << 10    // bytes that are worth it
)

// lowMarks are the fewest blocks of each class that each P's cache has held since trimCaches; only
// the scavenger uses them.
var lowMarks [maxProcs]*[c.NumClasses]uint16

// watchCaches looks how many blocks there are in the caches. It reads what their owners are
// changing: a number may be one off.
func watchCaches() {
	for pid := range caches {
		ch := seenCache(pid)
		if ch == nil {
			lowMarks[pid] = nil // what it gets anew, it has not had for long
			continue
		}
		low := lowMarks[pid]
		if low == nil {
			low = new([c.NumClasses]uint16)
			lowMarks[pid] = low
			for cls := range low {
				low[cls] = c.MaxMagazine
			}
		}
		for cls := range low {
			m := &ch.Mag[cls]
			low[cls] = min(low[cls], uint16((atomic.LoadUintptr(&m.Top)-m.Base)/entrySize))
		}
	}
}

// trimCaches gives back what no P has needed since it was last called.
func trimCaches() {
	var unused [maxProcs]bool
	procs, total := runtime.GOMAXPROCS(0), int64(0)
	for pid, low := range &lowMarks {
		if low == nil {
			continue
		}
		bytes := int64(0)
		for cls, n := range low {
			bytes += int64(n) * int64(classSize[cls])
		}
		if pid >= procs {
			bytes = max(bytes, trimLeast)
		}
		unused[pid] = bytes > 0
		total += bytes
	}
	if total >= trimLeast {
		withParked(func(pid int) bool { return unused[pid] }, trim)
	}
	clear(lowMarks[:])
}

// trim gives back what P pid has not needed of what is in ch, its cache, which is parked and goes
// on then.
func trim(pid int, ch *c.Cache) {
	if pid >= runtime.GOMAXPROCS(0) {
		c.Flush(ch)
		lowerLimit(pid, ch)
		return
	}
	if low := lowMarks[pid]; low != nil {
		c.Trim(ch, low)
	}
	parked[pid] = nil
	setCache(pid, ch)
}
