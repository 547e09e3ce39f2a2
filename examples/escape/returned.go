package escape

// A buffer that is returned outlives its function's stack frame.

//go:noinline
func header() []byte {
	b := make([]byte, 64) // make([]byte, 64) escapes to heap
	b[0] = 1
	return b
}

// ReturnedEscapes gets its buffer from a function that made it.
//
//go:noinline
func ReturnedEscapes() int { return sum(header()) }

//go:noinline
func fillHeader(b []byte) {
	b[0] = 1
}

// ReturnedStays has its own buffer filled: as io.Reader does it, and the append functions of strconv.
//
//go:noinline
func ReturnedStays() int {
	b := make([]byte, 64) // make([]byte, 64) does not escape
	fillHeader(b)
	return sum(b)
}

//go:noinline
func headerAt() *[64]byte {
	var h [64]byte // moved to heap: h
	h[0] = 1
	return &h
}

// ReturnedPointerEscapes is the same with a pointer to a variable.
//
//go:noinline
func ReturnedPointerEscapes() int { return sum(headerAt()[:]) }

// small is header, to be inlined.
func small() []byte {
	b := make([]byte, 64) // make([]byte, 64) escapes to heap
	b[0] = 1
	return b
}

// InlinedStays calls a function that returns its buffer but is so small that its body is copied
// here, where nothing returns.
//
//go:noinline
func InlinedStays() int {
	return sum(small()) // make([]byte, 64) does not escape
}
