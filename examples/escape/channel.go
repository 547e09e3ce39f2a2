package escape

// ChannelEscapes sends a slice: whoever receives it may keep the buffer, and has a stack of his own.
//
//go:noinline
func ChannelEscapes(ch chan []byte) int {
	b := make([]byte, 64) // make([]byte, 64) escapes to heap
	ch <- b
	return sum(<-ch)
}

// ChannelStays sends the bytes themselves.
//
//go:noinline
func ChannelStays(ch chan [64]byte) int {
	var b [64]byte
	ch <- b
	b = <-ch
	return sum(b[:])
}
