//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// What starts at an address. Each block has a tag, a byte outside it that tells: in the pagemap for
// a block of whole pages, in its span for a small one (c/span.h). Go reads both without a cgo call.
// An address where no live block starts is described by C, for the panic (misuse).

// findLeaf returns the leaf of the address a, or nil.
func findLeaf(a uintptr) *c.Leaf {
	if root := a >> c.LeafShift; root < c.RootLen {
		return c.Pagemap[root]
	}
	return nil
}

// findTag returns where the tag of the block that starts at p lies, 0 where no block can start
// there.
func findTag(p uintptr) uintptr {
	leaf := findLeaf(p)
	if leaf == nil {
		return 0
	}
	page := &leaf.Page[p>>c.PageShift%c.LeafPages]
	tag := uintptr(unsafe.Pointer(page))
	if *at[uint8](tag)-c.TagSmall >= c.NumSmall {
		if p%(1<<c.PageShift) != 0 {
			return 0
		}
		return tag
	}
	span := *page >> 8
	if span == 0 { // it is being taken apart
		return 0
	}
	s := at[c.Span](span)
	off := uint64(p - s.Base)
	i := off * uint64(s.Magic) >> 32
	if i*uint64(s.Unit) != off || i >= c.SpanTags {
		return 0
	}
	return s.Tags + uintptr(i)
}

// usable is the size of the block at p, for the function fn. Of one that a handle or an arena owns
// it is for Usable only.
func usable(p unsafe.Pointer, fn string) int {
	a := uintptr(p)
	if tag := findTag(a); tag != 0 {
		t := uint(*at[uint8](tag))
		if cls := t - 1; cls < numClasses {
			return int(classSize[cls])
		}
		if t == c.TagExact {
			return exactSize(tag)
		}
		if t == c.TagOwned && fn != "Usable" {
			misuse(a, fn)
		}
	}
	n := c.Usable(a)
	if n == 0 {
		misuse(a, fn)
	}
	return n
}

// owns tells whether a live block starts at p that is a caller's to free.
func owns(p uintptr) bool {
	tag := findTag(p)
	if tag == 0 {
		return false
	}
	t := uint(*at[uint8](tag))
	return t-1 < numClasses || t == c.TagExact || t == c.TagAttached
}

// exactSize is the size of the live exact block whose tag lies at tag, which is the pagemap's entry
// of its first page.
func exactSize(tag uintptr) int {
	return int(at[c.Span](*at[uintptr](tag)>>8).NPages) << c.PageShift
}

// attach marks the block at p as attached; false where no live block starts there or it is attached
// or owned already.
func attach(p uintptr) bool { return c.Attach(p) }

// isAttached tells whether a live block starts at p that is attached.
func isAttached(p uintptr) bool {
	tag := findTag(p)
	return tag != 0 && *at[uint8](tag) == c.TagAttached
}

// freeAttached frees the block at p if it is attached still.
func freeAttached(p uintptr) {
	if isAttached(p) {
		c.Free(p)
		noteUse()
	}
}

// attachMisuse says why attach refused p.
func attachMisuse(p uintptr) {
	if isAttached(p) {
		panic(&MisuseError{"Attach", p, attachedAlready})
	}
	misuse(p, "Attach")
}

func misuse(a uintptr, fn string) {
	what, foreign := c.Describe(a, frees(fn))
	if foreign {
		what += " (a slice that append has moved is Go memory)"
	}
	panic(&MisuseError{fn, a, what})
}
