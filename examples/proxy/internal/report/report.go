// Package report is what the load generator finds out, as it writes it to a file
// for other programs.
package report

import "time"

// Report is the outcome of a run. Sizes are in bytes.
type Report struct {
	Seed        uint64  `json:"seed"`
	Connections int     `json:"connections"`
	Keys        int     `json:"keys"`
	Corpus      Corpus  `json:"corpus"`
	MinBody     int     `json:"min_body"`
	MaxBody     int     `json:"max_body"`
	MeanBody    float64 `json:"mean_body"` // of the bodies really sent

	Began       time.Time `json:"began"` // after every key was set once
	Ended       time.Time `json:"ended"`
	OpsPerSec   float64   `json:"ops_per_sec"`
	BytesPerSec float64   `json:"bytes_per_sec"` // bodies, both ways

	All  Latency `json:"all"`
	Gets Latency `json:"gets"`
	Sets Latency `json:"sets"`

	Hits       uint64 `json:"hits"`
	Misses     uint64 `json:"misses"`     // keys that the server no longer had
	Errors     uint64 `json:"errors"`     // commands refused or broken off
	Mismatches uint64 `json:"mismatches"` // values that were not what had been set

	RSS []RSSSample `json:"rss,omitempty"` // with -metrics only
}

// Corpus is what the bodies were cut from.
type Corpus struct {
	Files int      `json:"files"`
	Bytes int      `json:"bytes"`
	Roots []string `json:"roots"` // each with its part
}

// Latency sums up how long commands of one kind took, in milliseconds, from the
// first byte sent to the last byte of the answer verified.
type Latency struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
}

// RSSSample is the proxy's memory at one moment.
type RSSSample struct {
	Seconds   float64 `json:"seconds"` // since Began; negative while the keys were set first
	RSSBytes  uint64  `json:"rss_bytes"`
	LiveBytes int64   `json:"live_bytes"` // bodies it held
}
