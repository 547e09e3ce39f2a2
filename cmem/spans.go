package cmem

import "io"

// WriteSpans writes what the heap is made of: a line for each span, a run of pages, by rising
// address, below a line with the columns' names.
//
//	address   where it begins
//	pages     its length, in pages of 4 KiB
//	kind      what it was carved into: small (many blocks), large (one of a size class), huge (one
//	          of no class); -: it is free
//	state     inuse; or it is free: free (resident), released (given back to the operating system,
//	          in part at least), untouched (never used), releasing (on its way there)
//	block     bytes a block
//	blocks    how many there is room for
//	live      how many of them are in callers' hands
//	cached    how many are free in magazines, in caches of C threads, or on their way between two of
//	          them
//	idle      seconds since it was last freed, or given back
//	released  pages that are not resident: all of a span that is released or untouched, else 0
//
// At rest the columns' sums are those of ReadStats: pages are HeapSys, those in use HeapInuse,
// released HeapReleased, block × live LiveBytes. Nobody is stopped: the heap is locked for some 20
// spans at a time, and not while w is written to; what changes between two such steps may be told
// as it was or as it is, or left out, but nothing is told twice. The error is w's.
//
// In builds over Go memory each live buffer has a line, with its pages rounded up; what is free
// there is the Go heap's. C programs have cmem_spans.
func WriteSpans(w io.Writer) error { return writeSpans(w) }

// spansHead is the line with the columns' names, as c/spans.c has it.
const spansHead = "address            pages kind  state           block blocks   live cached       idle  released\n"
