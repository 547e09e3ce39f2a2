package cmem

import (
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"sync"
	"unsafe"
)

// AllocSlice returns n zeroed elements of T, as make([]T, n), in a buffer: the caller's until it
// goes to FreeSlice. The rules are those of Alloc. AllocSlice(0), and any n of a type without size,
// returns a slice that need not be freed.
//
// T HOLDS NO GO POINTERS, as the collector does not look into buffers: numbers, arrays and structs
// of such. Pointers of any kind, also unsafe.Pointer and those to C memory, strings, slices, maps,
// channels, functions and interfaces are refused; keep an index, or C's address as a uintptr.
//
// AllocSlice panics with a *MisuseError that names the first field of T that may hold a Go pointer;
// with an error that wraps ErrSize where n is negative; and with one that wraps ErrNoMemory where
// no memory is to be had, or n elements are more than there are addresses.
func AllocSlice[T any](n int) []T {
	t := reflect.TypeFor[T]()
	if !pointerFree(t) {
		panic(&MisuseError{Func: "AllocSlice", What: pointerIn(t)})
	}
	hi, size := bits.Mul64(uint64(max(n, 0)), uint64(t.Size()))
	switch {
	case n < 0:
		panic(fmt.Errorf("cmem: cannot allocate %d elements of %v: %w", n, t, ErrSize))
	case hi != 0 || size > math.MaxInt:
		panic(fmt.Errorf("cmem: cannot allocate %d elements of %v, %d bytes each: %w: they are more than there are addresses",
			n, t, t.Size(), ErrNoMemory))
	case size == 0:
		return make([]T, n)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(AllocZeroed(int(size))))), n)
}

// FreeSlice gives s, a slice of AllocSlice, back. s must start where that one does, whatever its
// length; an s of capacity 0, or of a type without size, is passed over. FreeSlice panics as Free
// does.
func FreeSlice[T any](s []T) {
	if cap(s) == 0 || unsafe.Sizeof(s[0]) == 0 {
		return
	}
	free(unsafe.Pointer(unsafe.SliceData(s)))
}

// pointerFreeTypes has the types, of those that were asked for, that hold no Go pointers.
var pointerFreeTypes sync.Map // reflect.Type: nothing

func pointerFree(t reflect.Type) bool {
	if reflect.Bool <= t.Kind() && t.Kind() <= reflect.Complex128 { // numbers
		return true
	}
	if _, ok := pointerFreeTypes.Load(t); ok {
		return true
	}
	if pointerIn(t) != "" {
		return false
	}
	pointerFreeTypes.Store(t, nil)
	return true
}

// pointerIn says where in t the first Go pointer may be; "" where t holds none.
func pointerIn(t reflect.Type) string {
	path, field := findPointer(t)
	if field == nil {
		return ""
	}
	return fmt.Sprintf("%v%s may hold a Go pointer (%v): the collector does not look into buffers", t, path, field)
}

// findPointer returns the first field of t that may hold a Go pointer, with the path to it, such as
// ".a.b[0].c", and its type; nil where there is none.
func findPointer(t reflect.Type) (path string, field reflect.Type) {
	switch t.Kind() {
	case reflect.Array:
		if t.Len() == 0 {
			return "", nil
		}
		path, field = findPointer(t.Elem())
		return "[0]" + path, field
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if path, field = findPointer(f.Type); field != nil {
				return "." + f.Name + path, field
			}
		}
		return "", nil
	case reflect.Pointer, reflect.UnsafePointer, reflect.String, reflect.Slice, reflect.Map, reflect.Chan, reflect.Func,
		reflect.Interface:
		return "", t
	}
	return "", nil
}
