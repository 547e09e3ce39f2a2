package escape

// PointersEscapes keeps its buffers in a slice. The slice stays. But its elements are stored
// through a pointer, and where such a pointer leads the compiler does not follow.
//
//go:noinline
func PointersEscapes() (total int) {
	parts := make([][]byte, 4) // make([][]byte, 4) does not escape
	for i := range parts {
		parts[i] = make([]byte, 64) // make([]byte, 64) escapes to heap
	}
	for _, p := range parts {
		total += sum(p)
	}
	return total
}

// PointersStays keeps them side by side in one buffer.
//
//go:noinline
func PointersStays() (total int) {
	parts := make([][64]byte, 4) // make([][64]byte, 4) does not escape
	for i := range parts {
		total += sum(parts[i][:])
	}
	return total
}

// LoopEscapes makes a buffer in each turn of a loop for a variable that is older than the turn: the
// stack would need room for any number of them.
//
//go:noinline
func LoopEscapes() (total int) {
	var b []byte
	for range 4 {
		b = make([]byte, 64) // make([]byte, 64) escapes to heap
		total += sum(b)
	}
	return total + len(b)
}

// LoopStays uses one buffer for all turns.
//
//go:noinline
func LoopStays() (total int) {
	b := make([]byte, 64) // make([]byte, 64) does not escape
	for range 4 {
		clear(b)
		total += sum(b)
	}
	return total + len(b)
}
