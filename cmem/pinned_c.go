//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// The fast paths. They call nothing but procPin and procUnpin. Every case but the common one goes
// on: an empty magazine to borrow_c.go and then to miss_c.go, a full one to overflow_c.go.

// magazine is ch's magazine of class cls, which the caller knows to be below numClasses: no bounds
// check.
func magazine(ch *c.Cache, cls uint) *c.Magazine {
	return (*c.Magazine)(unsafe.Add(unsafe.Pointer(&ch.Mag), cls*uint(unsafe.Sizeof(c.Magazine{}))))
}

// allocFastPinned returns a block for n bytes from the magazine of its class, or nil where that is
// empty or n is not a class's to serve: for AllocZeroed and TryAlloc.
//
//go:nosplit
func allocFastPinned(n int) unsafe.Pointer {
	if uint(n)-1 >= maxClassSize {
		return nil
	}
	cls, size := classOf(n)
	if pid := procPin(); uint(pid) < maxProcs {
		if ch := caches[pid]; ch != nil { // read once: drain may take it away, from the next reader
			m := magazine(ch, cls)
			if top := m.Top; top != m.Base {
				e := at[c.Entry](top - entrySize)
				p, tag := e.Block, at[uint8](e.Tag)
				if *tag == c.TagCached {
					*tag = uint8(cls + 1)
					m.Top = top - entrySize
					m.Allocs++
					ch.Room += int64(size)
					procUnpin()
					return unsafe.Pointer(at[byte](p))
				}
				dropTop(ch, m, size)
			}
		}
	}
	procUnpin()
	return nil
}

// allocFastOther is allocFast without the assembly: allocFastPinned, and then what borrow has.
func allocFastOther(n int) unsafe.Pointer {
	if p := allocFastPinned(n); p != nil {
		return p
	}
	return allocBorrowed(n)
}

// allocPinned allocates n bytes for Alloc. Its fast path is that of allocFastPinned, written out
// once more: as a call it would cost a tenth of the whole.
//
//go:nosplit
func allocPinned(n int) unsafe.Pointer {
	if uint(n)-1 >= maxClassSize {
		return allocOther(n)
	}
	cls, size := classOf(n)
	if pid := procPin(); uint(pid) < maxProcs {
		if ch := caches[pid]; ch != nil { // read once: drain may take it away, from the next reader
			m := magazine(ch, cls)
			if top := m.Top; top != m.Base {
				e := at[c.Entry](top - entrySize)
				p, tag := e.Block, at[uint8](e.Tag)
				if *tag == c.TagCached {
					*tag = uint8(cls + 1)
					m.Top = top - entrySize
					m.Allocs++
					ch.Room += int64(size)
					procUnpin()
					return unsafe.Pointer(at[byte](p))
				}
				dropTop(ch, m, size)
			}
			if p := borrow(ch, cls, n); p != nil {
				return p
			}
			return allocOther(n)
		}
	}
	procUnpin()
	return allocOther(n)
}

// freedTwice is said of a block when that is found out.
const freedTwice = "double free: the block was freed twice at the same time, and is in use again"

// dropTop forgets the block on top of m, which somebody has: two goroutines freed it at the same
// time, which no check of Free can see, and it stood in two magazines. Panics, pinned no more.
//
//go:noinline
func dropTop(ch *c.Cache, m *c.Magazine, size int) {
	m.Top -= entrySize
	ch.Room += int64(size)
	p := at[c.Entry](m.Top).Block
	procUnpin()
	panic(&MisuseError{"Free", p, freedTwice})
}

// hotLeaf is the pagemap's leaf of the last refill, a guess of free's: the comparison is predicted,
// so that the leaf need not be waited for.
var hotLeaf *c.Leaf

// freePinned frees the block at p. Its first half is findTag, written out because the compiler does
// not inline that and the call would cost a tenth of the whole.
//
//go:nosplit
func freePinned(p unsafe.Pointer) {
	a := uintptr(p)
	leaf := hotLeaf
	if leaf == nil || leaf.Root != a>>c.LeafShift {
		if leaf = findLeaf(a); leaf == nil {
			freeOther(a)
			return
		}
	}
	page := &leaf.Page[a>>c.PageShift%c.LeafPages]
	tag := uintptr(unsafe.Pointer(page))
	t := uint(*at[uint8](tag))
	cls := t - c.TagSmall
	if cls < c.NumSmall {
		span := *page >> 8
		if span == 0 {
			freeOther(a)
			return
		}
		s := at[c.Span](span)
		off := uint64(a - s.Base)
		i := off * uint64(s.Magic) >> 32
		if i*uint64(s.Unit) != off || i >= c.SpanTags {
			freeOther(a)
			return
		}
		// The class is in this tag as well, but whether the block is live is a branch that the processor
		// predicts, while where to put it has to be waited for: so it is the page's.
		tag = s.Tags + uintptr(i)
		if uint(*at[uint8](tag)) != cls+1 {
			freeOther(a)
			return
		}
	} else {
		cls = t - 1 // TagNone wraps around
		if cls >= numClasses || a%(1<<c.PageShift) != 0 {
			freeOther(a)
			return
		}
	}
	if pid := procPin(); uint(pid) < maxProcs {
		if ch := caches[pid]; ch != nil { // read once: drain may take it away, from the next reader
			m := magazine(ch, cls)
			if top := m.Top; top != m.End && ch.Room > 0 {
				*at[uint8](tag) = c.TagCached
				e := at[c.Entry](top)
				e.Block = a
				e.Tag = tag
				m.Top = top + entrySize
				ch.Room -= int64(classSize[cls])
				procUnpin()
				return
			}
		}
	}
	procUnpin()
	freeSlow(cls, c.Entry{Block: a, Tag: tag})
}
