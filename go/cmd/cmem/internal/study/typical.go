//go:build linux

package study

import (
	"slices"

	"github.com/gocmem/cmem/go/vsz"
)

// typical returns the run that is nearest to the medians of all kinds, virtual and resident: its
// kinds sum to its VmSize, which medians would not. In one of some tens a thread more has come up,
// or the Go heap lies across two arenas.
//
// What only the first run was asked is copied to it, and its start-up time is the median.
func typical(rows []*vsz.VariantReport) *vsz.VariantReport {
	var best *vsz.VariantReport
	var least int64
	for _, row := range rows {
		var far int64
		for _, k := range vsz.Kinds() {
			far += distance(row, rows, func(r *vsz.VariantReport) int64 { return int64(r.Kind(k).VSZKiB) })
			far += distance(row, rows, func(r *vsz.VariantReport) int64 { return int64(r.Kind(k).RSSKiB) })
		}
		if best == nil || far < least {
			best, least = row, far
		}
	}
	t, first := *best, rows[0]
	t.Resolver, t.ResolverBy, t.NetLines = first.Resolver, first.ResolverBy, first.NetLines
	t.Syscalls, t.NoSyscalls = first.Syscalls, first.NoSyscalls
	t.VSZRangeKiB = span(rows, func(r *vsz.VariantReport) uint64 { return r.VSZKiB })
	t.RSSRangeKiB = span(rows, func(r *vsz.VariantReport) uint64 { return r.RSSKiB })
	t.StartupMS = median(rows, func(r *vsz.VariantReport) float64 { return r.StartupMS })
	return &t
}

// span is the least and the most of a figure.
func span(rows []*vsz.VariantReport, figure func(*vsz.VariantReport) uint64) [2]uint64 {
	s := [2]uint64{figure(rows[0]), figure(rows[0])}
	for _, row := range rows[1:] {
		s[0], s[1] = min(s[0], figure(row)), max(s[1], figure(row))
	}
	return s
}

// distance is how far a row's figure is from the median of all rows'.
func distance(row *vsz.VariantReport, rows []*vsz.VariantReport, figure func(*vsz.VariantReport) int64) int64 {
	d := figure(row) - median(rows, figure)
	return max(d, -d)
}

// median is the lower one of an even number.
func median[T int64 | float64](rows []*vsz.VariantReport, figure func(*vsz.VariantReport) T) T {
	all := make([]T, len(rows))
	for i, row := range rows {
		all[i] = figure(row)
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}
