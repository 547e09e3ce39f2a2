// Package status is the proxy's metrics page: what it holds and how it is read.
package status

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Snapshot is the page. Sizes are in bytes, times in seconds, counters count
// from the program's start.
type Snapshot struct {
	Alloc         string  `json:"alloc"` // the allocator behind the bodies
	UptimeSeconds float64 `json:"uptime_seconds"`

	Ops       map[string]uint64 `json:"ops"` // commands understood, by name
	GetHits   uint64            `json:"get_hits"`
	GetMisses uint64            `json:"get_misses"`
	Errors    Errors            `json:"errors"`
	BytesIn   uint64            `json:"bytes_in"`  // from clients
	BytesOut  uint64            `json:"bytes_out"` // to clients

	Connections int    `json:"connections"` // clients connected now
	LiveBytes   int64  `json:"live_bytes"`  // bodies held now, as asked for
	LiveBlocks  int64  `json:"live_blocks"`
	Allocs      uint64 `json:"allocs"`
	Frees       uint64 `json:"frees"`
	RSSBytes    uint64 `json:"rss_bytes"` // resident set of the whole process

	Go   Go    `json:"go"`
	Cmem *Cmem `json:"cmem,omitempty"` // only when bodies come from cmem
}

// Errors counts what went wrong, by who is to blame.
type Errors struct {
	Client  uint64 `json:"client"`  // lines and bodies refused
	Backend uint64 `json:"backend"` // exchanges that a memcached server did not complete
	Memory  uint64 `json:"memory"`  // bodies there was no memory for
}

// Go is the Go runtime's share.
type Go struct {
	HeapAllocBytes    uint64 `json:"heap_alloc_bytes"`
	HeapSysBytes      uint64 `json:"heap_sys_bytes"`
	HeapIdleBytes     uint64 `json:"heap_idle_bytes"`
	HeapReleasedBytes uint64 `json:"heap_released_bytes"`
	GCCycles          uint64 `json:"gc_cycles"`
	// GCCPUSeconds and BusyCPUSeconds are the runtime's own estimates: CPU time
	// of the collector, and of everything but idling. They compare with each
	// other, not with the operating system's accounting.
	GCCPUSeconds   float64 `json:"gc_cpu_seconds"`
	BusyCPUSeconds float64 `json:"busy_cpu_seconds"`
	GCCPUFraction  float64 `json:"gc_cpu_fraction"` // the first by the second
	Goroutines     uint64  `json:"goroutines"`
}

// Cmem is what cmem says of itself.
type Cmem struct {
	HeapSysBytes      uint64 `json:"heap_sys_bytes"`
	HeapInuseBytes    uint64 `json:"heap_inuse_bytes"`
	HeapIdleBytes     uint64 `json:"heap_idle_bytes"`
	HeapReleasedBytes uint64 `json:"heap_released_bytes"`
	LiveBytes         uint64 `json:"live_bytes"`
	LiveBlocks        uint64 `json:"live_blocks"`
	MagazineBytes     uint64 `json:"magazine_bytes"`
	Mallocs           uint64 `json:"mallocs"`
	Frees             uint64 `json:"frees"`
}

// Fetch reads the page at url.
func Fetch(ctx context.Context, url string) (*Snapshot, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("metrics page %s: %s", url, resp.Status)
	}
	s := new(Snapshot)
	if err := json.NewDecoder(resp.Body).Decode(s); err != nil {
		return nil, fmt.Errorf("metrics page %s: %w", url, err)
	}
	return s, nil
}
