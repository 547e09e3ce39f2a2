package escape

var counts = map[string]int{} // map[string]int{} escapes to heap

// ConvertEscapes stores a string made of bytes. They are copied, as bytes may change and strings do not.
//
//go:noinline
func ConvertEscapes(b []byte) int {
	name := string(b) // string(b) escapes to heap
	counts[name] = 1
	return len(name)
}

// ConvertStays looks one up, for which nothing is copied: the compiler knows that the map will not
// keep it. Nor is it for comparisons, switches and range.
//
//go:noinline
func ConvertStays(b []byte) int {
	return counts[string(b)] // string(b) does not escape
}
