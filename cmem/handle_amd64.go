//go:build cgo && linux && !race && !asan && !cmem_pinned && go1.24 && !go1.28

package cmem

import (
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// New and Free of handles in assembly (fast_amd64.s too), for the reason that alloc and free are
// (fast_amd64.go), and in one go each: an owner and a block are taken by one call, and given back
// by one. What is not the common case jumps to newPinned and releasePinned, or when the generation
// is won already to releaseWon.
//
// A pointer that assembly stores passes no write barrier, so this works only as long as the
// collector does not mark: it looks at the flag that compiled code looks at.

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
