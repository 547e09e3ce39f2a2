package modes

import "github.com/gocmem/cmem/cmem"

// cmemory is cmem.Alloc for every Get and cmem.Free for every Give. Reuse happens inside of package cmem, so every Get
// counts as a make, as it does for C.malloc.
type cmemory struct{ tally }

func newCmem(Config) Mode { return new(cmemory) }

func (m *cmemory) Get(n int) []byte {
	m.makes.Add(1)
	return cmem.Alloc(n)
}

func (m *cmemory) Give(b []byte) { cmem.Free(b) }

// HeapStats are those of cmem's C heap. In a build over Go memory it has none, and its buffers are in Go's figures.
func (m *cmemory) HeapStats() HeapStats {
	var s cmem.Stats
	cmem.ReadStats(&s)
	if s.MetadataSys == 0 {
		return HeapStats{}
	}
	return HeapStats{
		Sys:      int64(s.HeapSys),
		Alloc:    int64(s.LiveBytes),
		Idle:     int64(s.HeapIdle),
		Released: int64(s.HeapReleased),
	}
}
