//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime"
	"time"

	"github.com/gocmem/cmem/c"
)

// What lies unused in caches goes back. Each step of the scavenger lowers the magazines' low marks
// (c/cache.h). Once an idle limit, trimPeriod at least, the scavenger calls trimCaches, which gives
// the central lists what was unused all that time. Caches of Ps that GOMAXPROCS has taken away are
// emptied and deleted.

const (
	trimPeriod = time.Second // the least time between two calls, as trimCaches stops the world
	trimLeast  = 64 << 10    // bytes: with less unused, trimCaches leaves the caches alone
)

// trimCaches gives the central lists the blocks that no P has needed since the last call, and
// begins the low marks anew.
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

// trim gives the central lists the unused blocks of ch, the parked cache of P pid, and puts ch back
// into the table. Where GOMAXPROCS has taken the P away it empties ch, and leaves it parked.
func trim(pid int, ch *c.Cache) {
	if pid >= runtime.GOMAXPROCS(0) {
		c.Flush(ch)
		return
	}
	c.Trim(ch)
	parked[pid] = nil
	setCache(pid, ch)
}
