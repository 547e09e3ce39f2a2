//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime"
	"time"

	"github.com/gocmem/cmem/c"
)

// What lies in a magazine and is not used goes: each step of the scavenger marks it (c/cache.h), and
// every now and then it leaves the caches. So does all that the Ps hold that GOMAXPROCS has taken
// away.

const (
	trimPeriod = time.Second // at least, as it stops the world
	trimLeast  = 64 << 10    // bytes that are worth it
)

// trimCaches gives back what no P has needed since it was last called.
func trimCaches() {
	var unused [maxProcs]bool
	procs, total := runtime.GOMAXPROCS(0), 0
	for pid := range caches {
		if ch := seenCache(pid); ch != nil {
			bytes := c.Unused(ch)
			if pid >= procs {
				bytes = max(bytes, trimLeast)
			}
			unused[pid] = bytes > 0
			total += bytes
		}
	}
	if total >= trimLeast {
		withParked(func(pid int) bool { return unused[pid] }, trim)
	}
	c.MarkCaches()
}

// trim gives back what P pid has not needed of what is in ch, its cache, which is parked and goes
// on then.
func trim(pid int, ch *c.Cache) {
	if pid >= runtime.GOMAXPROCS(0) {
		c.Flush(ch)
		return
	}
	c.Trim(ch)
	parked[pid] = nil
	setCache(pid, ch)
}
