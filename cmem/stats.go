package cmem

// Stats tells what the heap holds, in bytes unless said otherwise. At rest, when no goroutine or thread is in the
// package, HeapSys = HeapInuse + HeapIdle, and HeapInuse = LiveBytes + MagazineBytes + ThreadCacheBytes +
// CentralFreeBytes. While others allocate each figure is right within what they are doing.
//
// In builds over Go memory (see the package's documentation) only LiveBytes, LiveBlocks, TotalAlloc, Mallocs and Frees
// are set, and HeapSys and HeapInuse are LiveBytes; the rest is the Go heap's, see runtime.MemStats.
type Stats struct {
	HeapSys      uint64 // address space held from malloc
	HeapInuse    uint64 // in spans that hold blocks
	HeapIdle     uint64 // in free spans, resident or given back
	HeapReleased uint64 // the part of HeapIdle that was given back to the operating system

	LiveBytes        uint64 // in buffers that were not freed yet, each counted at its class's size
	LiveBlocks       uint64 // number of those
	MagazineBytes    uint64 // in free blocks in the magazines of Go's Ps
	ThreadCacheBytes uint64 // in free blocks in the caches of C threads
	CentralFreeBytes uint64 // in free blocks of spans that hold live or cached ones too

	MetadataSys uint64 // address space of the library's own structures, not part of HeapSys

	TotalAlloc uint64 // allocated since the start
	Mallocs    uint64 // number of blocks allocated since the start
	Frees      uint64 // number of blocks freed since the start
}

// ReadStats fills *s. It does not stop the world; it costs some microseconds.
func ReadStats(s *Stats) { readStats(s) }
