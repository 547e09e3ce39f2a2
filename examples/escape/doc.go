// Package escape shows when a buffer is on the stack, and costs nothing, and when it is allocated
// on the heap: a file for each reason, with functions that differ in that reason alone. One whose
// name ends in Stays allocates nothing, one whose name ends in Escapes does. What the compiler
// decides it tells:
//
//	go build -gcflags=-m ./examples/escape 2>&1 | grep -E 'not escape|escapes to|moved to'
//
// The comment at the end of a line is what it says of that line, word for word. Where versions of
// Go differ each has its part: "go1.25+: ...; before go1.25: ...". The tests hold the comments
// against the compiler, and the names against what is allocated at run time, so that a version of
// Go that decides otherwise is noticed.
//
// The functions are not inlined, as inlining changes the decision: InlinedStays shows how.
//
// docs/replacing-make.md tells what follows from it.
package escape

// sum is what all the functions do with their buffers.
func sum(b []byte) (total int) {
	for _, c := range b {
		total += int(c)
	}
	return total
}
