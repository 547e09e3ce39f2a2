//go:build cgo

package main

// haveCgo tells whether there are peers in C.
const haveCgo = true

var cPeers = []*peer{
	{name: "arrow", about: "memory/mallocator: calloc, free and a sync.Map", module: "github.com/apache/arrow-go/v18",
		loops: arrowLoops, garbage: true},
	{name: "malloc", about: "C.malloc and C.free of the C library", loops: mallocLoops},
	preloaded("jemalloc", "libjemalloc.so.2"),
	preloaded("mimalloc", "libmimalloc.so.2"),
	preloaded("tcmalloc", "libtcmalloc_minimal.so.4"),
}

// preloaded is C.malloc where another library provides it.
func preloaded(name, library string) *peer {
	return &peer{name: name, about: "C.malloc and C.free with " + library + " preloaded", loops: mallocLoops,
		library: library}
}
