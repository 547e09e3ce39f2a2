package escape

// last outlives every function.
var last []byte

// StoredEscapes leaves its buffer in a package variable. A field of an object on the heap is the same.
//
//go:noinline
func StoredEscapes() int {
	b := make([]byte, 64) // make([]byte, 64) escapes to heap
	last = b
	return sum(b)
}

var lastCopy [64]byte

// StoredStays leaves a copy there.
//
//go:noinline
func StoredStays() int {
	b := make([]byte, 64) // make([]byte, 64) does not escape
	copy(lastCopy[:], b)
	return sum(b)
}
