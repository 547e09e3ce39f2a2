/* spans.h: what spans there are, as text: a line for each.
 *
 * Lock: the page heap's, for a chunk of spans at a time, and none while anything is written. Called
 * by cmem.c and by package cmem.
 */
#ifndef CMEM_SPANS_H
#define CMEM_SPANS_H

#include "base.h"

/* A chunk of the text is at most this long, and so is the least buffer for one. */
#define SPANS_TEXT ((size_t)4096)

/* Writes the next lines of the text into buf, of SPANS_TEXT bytes, and returns their length; 0 at
 * the end. *from is where the walk is: 0 at first, which is where the head comes. Spans come by
 * rising address and none overlaps an earlier one, whatever others do between two calls. Not
 * NUL-terminated. */
size_t cmem__spans_text(uintptr_t *from, char *buf);

#endif /* CMEM_SPANS_H */
