package main

import (
	_ "unsafe" // for go:linkname

	_ "github.com/VictoriaMetrics/fastcache"
)

// fastcache's chunks of 64 KiB, mapped 64 MiB at a time and kept in a locked list for ever, are its
// own business: the cache takes and returns them inside. They are measured nevertheless, as the one
// allocator of its kind in wide use.

//go:linkname getChunk github.com/VictoriaMetrics/fastcache.getChunk
func getChunk() []byte

//go:linkname putChunk github.com/VictoriaMetrics/fastcache.putChunk
func putChunk(chunk []byte)
