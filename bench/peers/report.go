package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// A report is what -json writes.
type report struct {
	Machine   bench.Host     `json:"machine"`
	Date      time.Time      `json:"date"`
	Rounds    int            `json:"rounds"`
	RoundTime string         `json:"round_time"`
	Seed      uint64         `json:"seed"`
	Peers     []peerInfo     `json:"peers"`
	Workloads []workloadInfo `json:"workloads"`
	Results   []result       `json:"results"`
	RestLoad  string         `json:"rest_load,omitempty"` // how long the processes of Rests did hold
	Silence   string         `json:"silence,omitempty"`   // before a rest's After
	Rests     []rest         `json:"rests,omitempty"`
	Notes     []string       `json:"notes,omitempty"`
}

type peerInfo struct {
	Name    string `json:"name"`
	About   string `json:"about"`
	Module  string `json:"module,omitempty"`
	Version string `json:"version,omitempty"`
}

type workloadInfo struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// A result is a case and what it cost each peer, cmem first, then the fastest.
type result struct {
	workCase
	Fastest  string    `json:"fastest"` // of the others
	Entries  []entry   `json:"entries"`
	Controls []control `json:"controls,omitempty"`
}

// An entry is a peer's figures: medians over the rounds.
type entry struct {
	Peer   string  `json:"peer"`
	Ns     float64 `json:"ns"`
	Allocs float64 `json:"allocs"`
	// Medians of the rounds' ratios; 0 where there is nothing to compare with.
	ToPool    float64  `json:"to_pool,omitempty"`    // to the bare sync.Pool
	ToFastest float64  `json:"to_fastest,omitempty"` // to the fastest of the others
	Rounds    []sample `json:"rounds"`
}

// A control is the bare sync.Pool in a child process that preloads a library: preloading should
// make no difference to it.
type control struct {
	Library string   `json:"library"`
	ToPool  float64  `json:"to_pool"` // the median of the rounds' ratios to the one in the main process
	Rounds  []sample `json:"rounds"`
}

// newResult makes a result of the rounds of all peers.
func newResult(c workCase, entries []entry, controls []control) result {
	r := result{workCase: c, Entries: entries, Controls: controls}
	for i := range r.Entries {
		e := &r.Entries[i]
		e.Ns = bench.Median(column(e.Rounds, func(s sample) float64 { return s.Ns }))
		e.Allocs = bench.Median(column(e.Rounds, func(s sample) float64 { return s.Allocs }))
	}
	slices.SortStableFunc(r.Entries, func(a, b entry) int {
		if (a.Peer == ours) != (b.Peer == ours) {
			if a.Peer == ours {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Ns, b.Ns)
	})
	if len(r.Entries) > 1 {
		r.Fastest = r.Entries[1].Peer
	}
	pool, fastest := r.entry(bare), r.entry(r.Fastest)
	for i := range r.Entries {
		r.Entries[i].ToPool = ratio(r.Entries[i].Rounds, pool)
		r.Entries[i].ToFastest = ratio(r.Entries[i].Rounds, fastest)
	}
	for i := range r.Controls {
		r.Controls[i].ToPool = ratio(r.Controls[i].Rounds, pool)
	}
	return r
}

// entry returns the peer's; nil where it took no part.
func (r *result) entry(peer string) *entry {
	i := slices.IndexFunc(r.Entries, func(e entry) bool { return e.Peer == peer })
	if i < 0 {
		return nil
	}
	return &r.Entries[i]
}

// ratio is the median of the rounds' ratios to those of base; 0 where base is nil.
func ratio(rounds []sample, base *entry) float64 {
	if base == nil {
		return 0
	}
	ratios := make([]float64, len(rounds))
	for i := range rounds {
		ratios[i] = rounds[i].Ns / base.Rounds[i].Ns
	}
	return bench.Median(ratios)
}

func column(rounds []sample, of func(sample) float64) []float64 {
	values := make([]float64, len(rounds))
	for i, s := range rounds {
		values[i] = of(s)
	}
	return values
}
