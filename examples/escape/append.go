package escape

// AppendEscapes outgrows its buffer. The buffer stays, as the compiler says; those that append
// makes when it is full, each about twice as large as the one before, are allocated at run time.
//
//go:noinline
func AppendEscapes(n int) int {
	b := make([]byte, 0, 16) // make([]byte, 0, 16) does not escape
	for i := range n {
		b = append(b, byte(i)) // go1.26+: append does not escape
	}
	return sum(b)
}

// AppendStays has room for what is to come, at a size that the compiler knows.
//
//go:noinline
func AppendStays(n int) int {
	b := make([]byte, 0, 256) // make([]byte, 0, 256) does not escape
	for i := range min(n, cap(b)) {
		b = append(b, byte(i)) // go1.26+: append does not escape
	}
	return sum(b)
}
