package cmem

import "sync/atomic"

// Stats tells what the heap holds, in bytes unless said otherwise. At rest, when no goroutine or
// thread is in the package, HeapSys = HeapInuse + HeapIdle, and HeapInuse = LiveBytes +
// MagazineBytes + ThreadCacheBytes + CentralFreeBytes. While others allocate each figure is right
// within what they are doing.
//
// In builds over Go memory (see the package's documentation) the figures of free memory, metadata
// and scavenging are 0, and HeapSys and HeapInuse are LiveBytes; the rest is the Go heap's, see
// runtime.MemStats.
type Stats struct {
	// Which fast path this program has: "asm", the one in assembly (amd64, the Go releases that it is
	// written for); "pinned", the same in Go, which takes longer (other processors and releases,
	// -asan, -tags cmem_pinned); or "go", over Go memory.
	FastPath string

	HeapSys      uint64 // address space held from malloc
	HeapInuse    uint64 // in spans that hold blocks
	HeapIdle     uint64 // in free spans, resident or given back
	HeapReleased uint64 // the part of HeapIdle that was given back to the operating system

	LiveBytes        uint64 // in buffers that were not freed yet, each counted at its class's size
	LiveBlocks       uint64 // number of those
	MagazineBytes    uint64 // in free blocks in the magazines of Go's Ps
	ThreadCacheBytes uint64 // in free blocks in the caches of C threads
	CentralFreeBytes uint64 // in free blocks of spans that hold live or cached ones too
	TransferBytes    uint64 // the part of CentralFreeBytes in transfer lists, on the way from one P's cache to another's

	MetadataSys uint64 // address space of the library's own structures, not part of HeapSys

	TotalAlloc uint64 // allocated since the start
	Mallocs    uint64 // number of blocks allocated since the start
	Frees      uint64 // number of blocks freed since the start

	// What the safety nets have freed since the start: buffers whose handles were all lost, and
	// attached ones with their owner. They are part of Frees. Where Attach is not used these are leaks
	// that did no harm.
	NetFrees      uint64 // number of buffers
	NetFreedBytes uint64 // their length

	Scavenges      uint64 // how often free memory was given back to the operating system
	ScavengedBytes uint64 // in all, since the start
	MovedBytes     uint64 // in resident pages that were moved to where they were needed, instead of faulting in others

	// Buffers beyond the size classes, or from 256 KiB on of a length that a class would waste pages
	// on: they get just the pages that they need.
	HugeBytes   uint64 // in live ones, part of LiveBytes
	HugeBlocks  uint64 // number of live ones
	HugeMallocs uint64 // number allocated since the start

	// By size class, smallest first; the blocks there are live or free in a magazine, cache or span.
	BySize [numClasses]struct {
		Size    uint32 // bytes a block
		Mallocs uint64 // number of blocks allocated since the start
		Frees   uint64 // number of blocks freed since the start
	}
}

// netFreed counts what the safety nets have freed.
var netFreed struct{ buffers, bytes atomic.Uint64 }

func countNetFreed(n int) {
	netFreed.buffers.Add(1)
	netFreed.bytes.Add(uint64(n))
}

// ReadStats fills *s. It does not stop the world; it costs some microseconds.
func ReadStats(s *Stats) {
	readStats(s)
	s.FastPath = fastPath()
	s.NetFrees, s.NetFreedBytes = netFreed.buffers.Load(), netFreed.bytes.Load()
	for cls := range s.BySize {
		s.BySize[cls].Size = uint32(classSize[cls])
	}
}
