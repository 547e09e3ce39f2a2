package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/metrics"
	"time"

	"github.com/prometheus/procfs"

	"github.com/gocmem/cmem/cmem"
	"github.com/gocmem/cmem/examples/proxy/internal/memproto"
	"github.com/gocmem/cmem/examples/proxy/internal/status"
)

// metricsPage serves the proxy's numbers as JSON under /metrics.
type metricsPage struct {
	p     *proxy
	began time.Time
	self  procfs.Proc
}

func newMetricsPage(p *proxy) (*metricsPage, error) {
	self, err := procfs.Self()
	if err != nil {
		return nil, fmt.Errorf("the metrics page needs /proc: %w", err)
	}
	return &metricsPage{p: p, began: time.Now(), self: self}, nil
}

// handler returns the page behind its path.
func (m *metricsPage) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		s, err := m.snapshot()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		// An error here means that the reader left.
		_ = json.NewEncoder(w).Encode(s)
	})
	return mux
}

func (m *metricsPage) snapshot() (*status.Snapshot, error) {
	stat, err := m.self.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the process's memory: %w", err)
	}
	p, counts := m.p, m.p.heap.Counts()
	s := &status.Snapshot{
		Alloc:         p.heap.Name(),
		UptimeSeconds: time.Since(m.began).Seconds(),
		Ops:           make(map[string]uint64, memproto.Verbs),
		GetHits:       p.stats.hits.Load(),
		GetMisses:     p.stats.misses.Load(),
		Errors: status.Errors{
			Client:  p.stats.clientErrors.Load(),
			Backend: p.stats.backendErrors.Load(),
			Memory:  p.stats.memoryErrors.Load(),
		},
		BytesIn:     p.stats.in.Load(),
		BytesOut:    p.stats.out.Load(),
		Connections: p.connections(),
		LiveBytes:   counts.LiveBytes,
		LiveBlocks:  counts.LiveBlocks,
		Allocs:      counts.Allocs,
		Frees:       counts.Frees,
		RSSBytes:    uint64(stat.ResidentMemory()),
		Go:          goStatus(),
	}
	for verb := range memproto.Verbs {
		s.Ops[verb.String()] = p.stats.ops[verb].Load()
	}
	if s.Alloc == "cmem" {
		s.Cmem = cmemStatus()
	}
	return s, nil
}

// goStatus reads runtime/metrics rather than runtime.ReadMemStats, which would
// stop the world for each reader of the page.
func goStatus() status.Go {
	const (
		objects = iota
		unused
		free
		released
		cycles
		gcCPU
		totalCPU
		idleCPU
		goroutines
	)
	samples := []metrics.Sample{
		objects:    {Name: "/memory/classes/heap/objects:bytes"},
		unused:     {Name: "/memory/classes/heap/unused:bytes"},
		free:       {Name: "/memory/classes/heap/free:bytes"},
		released:   {Name: "/memory/classes/heap/released:bytes"},
		cycles:     {Name: "/gc/cycles/total:gc-cycles"},
		gcCPU:      {Name: "/cpu/classes/gc/total:cpu-seconds"},
		totalCPU:   {Name: "/cpu/classes/total:cpu-seconds"},
		idleCPU:    {Name: "/cpu/classes/idle:cpu-seconds"},
		goroutines: {Name: "/sched/goroutines:goroutines"},
	}
	metrics.Read(samples)
	n := func(i int) uint64 { return samples[i].Value.Uint64() }
	seconds := func(i int) float64 { return samples[i].Value.Float64() }
	idle := n(free) + n(released)
	g := status.Go{
		HeapAllocBytes:    n(objects),
		HeapSysBytes:      n(objects) + n(unused) + idle,
		HeapIdleBytes:     idle,
		HeapReleasedBytes: n(released),
		GCCycles:          n(cycles),
		GCCPUSeconds:      seconds(gcCPU),
		BusyCPUSeconds:    seconds(totalCPU) - seconds(idleCPU),
		Goroutines:        n(goroutines),
	}
	if g.BusyCPUSeconds > 0 {
		g.GCCPUFraction = g.GCCPUSeconds / g.BusyCPUSeconds
	}
	return g
}

func cmemStatus() *status.Cmem {
	var s cmem.Stats
	cmem.ReadStats(&s)
	return &status.Cmem{
		HeapSysBytes:      s.HeapSys,
		HeapInuseBytes:    s.HeapInuse,
		HeapIdleBytes:     s.HeapIdle,
		HeapReleasedBytes: s.HeapReleased,
		LiveBytes:         s.LiveBytes,
		LiveBlocks:        s.LiveBlocks,
		MagazineBytes:     s.MagazineBytes,
		Mallocs:           s.Mallocs,
		Frees:             s.Frees,
	}
}
