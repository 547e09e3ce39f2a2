//go:build cgo && linux && (amd64 || arm64 || riscv64)

package cmem

import (
	"io"

	"github.com/gocmem/cmem/c"
)

// addC adds libcmem's figures to s: the whole heap, or under the race detector what C code has
// allocated.
func addC(s *Stats) {
	var st c.Stats
	c.ReadStats(&st)
	s.HeapSys += st.HeapSys
	s.HeapInuse += st.HeapInuse
	s.HeapIdle += st.HeapIdle
	s.HeapReleased += st.HeapReleased
	s.LiveBytes += st.LiveBytes
	s.LiveBlocks += st.LiveBlocks
	s.MagazineBytes += st.MagazineBytes
	s.ThreadCacheBytes += st.ThreadCacheBytes
	s.CentralFreeBytes += st.CentralFreeBytes
	s.TransferBytes += st.TransferBytes
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

// writeSpansC is WriteSpans of libcmem's spans.
func writeSpansC(w io.Writer) error {
	buf := new(c.SpansText)
	for from := uintptr(0); ; {
		n := c.Spans(&from, buf)
		if n == 0 {
			return nil
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
	}
}
