//go:build cgo && linux && !race && !asan && !cmem_pinned && go1.24 && !go1.28

package cmem

import (
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// New and Free of handles, in assembly (in fast_amd64.s) for the same reason as alloc and free
// (fast_amd64.go). New takes an owner and a block in one call, and Free gives both back in one.
// Every case but the common one jumps to newPinned or releasePinned; or to releaseWon, where Free
// has changed the generation already.
//
// A pointer that assembly stores passes no write barrier. So these paths are taken only while the
// collector does not mark: they test the flag that compiled code tests.

// newBuffer is newPinned.
func newBuffer(n int) Buffer

// release is releasePinned.
func release(o *owner, gen uint64)

// Of the structures that the assembly works on.
const (
	listTop   = unsafe.Offsetof(ownerList{}.top)
	listHeld  = unsafe.Offsetof(ownerList{}.held)
	listSlots = unsafe.Offsetof(ownerList{}.slots)
	listLen   = len(ownerList{}.slots)
	blkGen    = unsafe.Offsetof(ownedBlock{}.gen)
	blkP      = unsafe.Offsetof(ownedBlock{}.p)
	blkN      = unsafe.Offsetof(ownedBlock{}.n)
	blkTag    = unsafe.Offsetof(ownedBlock{}.tag)
	blkCls    = unsafe.Offsetof(ownedBlock{}.cls)
	tagOwned  = c.TagOwned
)
