package main

import "github.com/gocmem/cmem/cmem"

// An attachedItem is rawItem with package cmem: no pointer beside the body, no limit, no finalizer.
// The body is freed with the item, which needs one collection, not two; to free it earlier, as one
// does, is checked.
type attachedItem struct {
	Flag int
	Body []byte
}

func newAttachedItem(length int) *attachedItem {
	item := &attachedItem{Body: cmem.Alloc(length)}
	cmem.Attach(item, item.Body)
	return item
}

// free gives the body back, once it was sent.
func (item *attachedItem) free() {
	cmem.Free(item.Body)
	item.Body = nil
}
