//go:build linux

package c

// #include "cache.h"
import "C"

// LastCacheOffset is how far from its thread pointer, FS, each thread has three words for Go's fast
// path, 0 at first.
func LastCacheOffset() int { return int(C.cmem__last_cache_offset()) }
