package escape

// ClosureEscapes leaves its buffer to a goroutine, which may run when the function has returned.
//
//go:noinline
func ClosureEscapes() int {
	b := make([]byte, 64) // make([]byte, 64) escapes to heap
	done := make(chan int, 1)
	go func() { done <- sum(b) }() // func literal escapes to heap
	return <-done
}

// ClosureStays calls the function itself.
//
//go:noinline
func ClosureStays() (total int) {
	b := make([]byte, 64) // make([]byte, 64) does not escape
	add := func() { total += sum(b) }
	add()
	add()
	return total
}
