//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"fmt"
	"testing"

	"github.com/gocmem/cmem/c"
)

// The tests are one suite over both heaps. What they differ in is here and in backend_go_test.go.

// offHeap: whether blocks are C memory.
const offHeap = true

// texts has what each heap says of the pointers it refuses.
var texts = misuseTexts{
	double: func(size int) string {
		return fmt.Sprintf("double free: the block of %d bytes is free already", size)
	},
	noBlock: "double free or stray pointer: in cmem's heap, where no block is now",
	foreign: "foreign pointer: not in cmem's heap (a slice that append has moved is Go memory)",
	live:    interiorOfLive,
	owned:   ownedText,
	free: func(off, size int, start uintptr) string {
		return fmt.Sprintf("not the start of a block: %d bytes into the free block of %d bytes at %#x", off, size, start)
	},
}

// mostUsable is the most that a block for n bytes holds, which it may have borrowed of a class up
// to a doubling above.
func mostUsable(n int) int {
	if c.Boosts() > 0 && n <= maxClassSize {
		return 2*usableBound(n) + n/8
	}
	return usableBound(n)
}

// checkCaches checks that each P's cache knows how many bytes it holds, at rest.
func checkCaches(t *testing.T) {
	t.Helper()
	cachesMu.Lock()
	defer cachesMu.Unlock()
	for pid, ch := range caches {
		if ch == nil {
			continue
		}
		held := int64(0)
		for cls := range ch.Mag {
			m := &ch.Mag[cls]
			if m.Top < m.Base || m.Top > m.End {
				t.Errorf("P %d, class %d: the magazine's top is outside it", pid, cls)
			}
			held += int64((m.Top-m.Base)/entrySize) * int64(classSize[cls])
		}
		if ch.Room != ch.Capacity-held {
			t.Errorf("P %d holds %d bytes, so its room is %d, not %d", pid, held, ch.Capacity-held, ch.Room)
		}
	}
}
