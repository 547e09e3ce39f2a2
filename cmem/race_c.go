//go:build race && cgo && linux && (amd64 || arm64 || riscv64)

package cmem

import "github.com/gocmem/cmem/c"

// Under the race detector a block that C code allocated may still be freed in Go.

func freeC(p uintptr) bool  { return c.Free(p) }
func usableC(p uintptr) int { return c.Usable(p) }
func describeC(p uintptr) string {
	if what := c.Describe(p); what != "foreign pointer: not in cmem's heap" {
		return what
	}
	return ""
}

// addC adds what C code has allocated to s.
func addC(s *Stats) {
	var st c.Stats
	c.ReadStats(&st)
	s.HeapSys += st.HeapSys
	s.HeapInuse += st.HeapInuse
	s.HeapIdle += st.HeapIdle
	s.HeapReleased += st.HeapReleased
	s.LiveBytes += st.LiveBytes
	s.LiveBlocks += st.LiveBlocks
	s.ThreadCacheBytes += st.ThreadCacheBytes
	s.CentralFreeBytes += st.CentralFreeBytes
	s.MetadataSys += st.MetadataSys
	s.TotalAlloc += st.TotalAlloc
	s.Mallocs += st.Mallocs
	s.Frees += st.Frees
	s.Scavenges += st.Scavenges
	s.ScavengedBytes += st.ScavengedBytes
	s.MovedBytes += st.MovedBytes
	s.HugeBytes += st.HugeBytes
	s.HugeBlocks += st.HugeBlocks
	s.HugeMallocs += st.HugeMallocs
	for cls, n := range st.BySize {
		s.BySize[cls].Mallocs += n.Mallocs
		s.BySize[cls].Frees += n.Frees
	}
}
