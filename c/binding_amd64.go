//go:build linux

package c

// #include "internal.h"
import "C"

// LastCacheOffset is how far from its thread pointer, FS, each thread has a word for the address of the cache that it found last.
// The word is 1 at first.
func LastCacheOffset() int { return int(C.cmem__last_cache_offset()) }
