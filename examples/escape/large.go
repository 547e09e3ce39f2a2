package escape

// LargeStays is as large as make may be on the stack.
//
//go:noinline
func LargeStays() int {
	b := make([]byte, 64<<10) // make([]byte, 65536) does not escape
	return sum(b)
}

// LargeEscapes is one byte larger.
//
//go:noinline
func LargeEscapes() int {
	b := make([]byte, 64<<10+1) // make([]byte, 65537) escapes to heap
	return sum(b)
}

// LargeVariableStays is as large as a variable may be.
//
//go:noinline
func LargeVariableStays() int {
	var b [128 << 10]byte
	return sum(b[:])
}

// LargeVariableEscapes is one byte larger.
//
//go:noinline
func LargeVariableEscapes() int {
	var b [128<<10 + 1]byte // moved to heap: b
	return sum(b[:])
}
