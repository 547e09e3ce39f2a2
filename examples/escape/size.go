package escape

// SizeEscapes learns the size at run time. From Go 1.25 on the compiler says that the buffer does
// not escape, which is half the truth: the stack frame has 32 bytes for it, and where n is more it
// is allocated all the same. Before, it always was.
//
//go:noinline
func SizeEscapes(n int) int {
	b := make([]byte, n) // go1.25+: make([]byte, n) does not escape; before go1.25: make([]byte, n) escapes to heap
	return sum(b)
}

// SizeStays has room for the usual sizes in its frame and allocates where n is unusual.
//
//go:noinline
func SizeStays(n int) int {
	var room [1024]byte
	b := room[:]
	if n <= len(room) {
		b = b[:n]
	} else {
		b = make([]byte, n) // go1.25+: make([]byte, n) does not escape; before go1.25: make([]byte, n) escapes to heap
	}
	return sum(b)
}
