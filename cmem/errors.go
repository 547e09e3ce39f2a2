package cmem

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNoMemory is wrapped by the errors of an allocation for which no memory is to be had.
	ErrNoMemory = errors.New("out of memory")

	// ErrSize is wrapped by the errors of an allocation of a negative size.
	ErrSize = errors.New("size is negative")
)

func sizeError(n int) error {
	return fmt.Errorf("cmem: cannot allocate %d bytes: %w", n, ErrSize)
}

func noMemoryError(n int) error {
	var s Stats
	ReadStats(&s)
	limit := "no limit is set"
	if l := heapLimit.Load(); l > 0 {
		limit = fmt.Sprintf("the limit is %d", l)
	}
	return fmt.Errorf("cmem: cannot allocate %d bytes: %w: %d bytes are in use (%d in buffers), %s", n, ErrNoMemory,
		s.HeapInuse, s.LiveBytes, limit)
}

// A MisuseError is what Free, Realloc, Usable, Attach, AllocAligned, AllocSlice, FreeSlice and
// the methods of Buffer and Arena panic with when they are given what they must not be. The heap is
// as it was before the call.
type MisuseError struct {
	Func string  // the function, "Free"
	Ptr  uintptr // the address it was given; 0 for a Buffer, a type, a number
	What string  // what that is: "double free: ...", "use after free: ...", "not the start of a block: ...", ...
}

// frees tells whether the function fn of a MisuseError frees: of a block that is free already it is
// told "double free", the others "use after free".
func frees(fn string) bool { return strings.HasSuffix(fn, "Free") }

func (e *MisuseError) Error() string {
	if e.Ptr == 0 {
		return fmt.Sprintf("cmem: %s: %s", e.Func, e.What)
	}
	return fmt.Sprintf("cmem: %s(%#x): %s", e.Func, e.Ptr, e.What)
}
