// Package cmem has the functions of the real one, without their bodies: the analyzer goes by their names.
package cmem

func Alloc(n int) []byte                   { return nil }
func AllocZeroed(n int) []byte             { return nil }
func AllocAligned(n, align int) []byte     { return nil }
func TryAlloc(n int) ([]byte, error)       { return nil, nil }
func TryAllocZeroed(n int) ([]byte, error) { return nil, nil }
func AllocSlice[T any](n int) []T          { return nil }
func Realloc(b []byte, n int) []byte       { return nil }
func Free(b []byte)                        {}
func FreeSlice[T any](s []T)               {}
func Usable(b []byte) int                  { return 0 }
func Owns(b []byte) bool                   { return false }
func Attach[T any](owner *T, b []byte)     {}

type Buffer struct{ o *int }

func New(n int) Buffer         { return Buffer{} }
func (b Buffer) Bytes() []byte { return nil }
func (b Buffer) Len() int      { return 0 }
func (b Buffer) Free()         {}

type Arena struct{ o *int }

func NewArena() Arena              { return Arena{} }
func (a Arena) Alloc(n int) []byte { return nil }
func (a Arena) Len() int           { return 0 }
func (a Arena) Reset()             {}
func (a Arena) Free()              {}
