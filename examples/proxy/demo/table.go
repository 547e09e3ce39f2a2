package main

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"

	"github.com/gocmem/cmem/examples/proxy/internal/cli"
)

const mib = 1 << 20

// caption says under which circumstances the numbers came about. The trials
// differ in nothing but the allocator, so one speaks for all.
func caption(opts *options, t *trial) []string {
	r := t.report
	low, high := cli.Size(r.MinBody), cli.Size(r.MaxBody)
	return []string{
		fmt.Sprintf("%d CPUs, %s %s/%s; %s", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, t.store),
		fmt.Sprintf("bodies of %s to %s, mean %.0fk, cut from %d real files; %d connections, seed %d",
			&low, &high, r.MeanBody/1024, r.Corpus.Files, r.Connections, r.Seed),
		fmt.Sprintf("each body is held %s in the proxy, to stand for slow clients; %v of load, then %v of silence",
			&opts.hold, opts.load, opts.silence),
	}
}

// writeTable prints the rows for people.
func writeTable(out io.Writer, about []string, rows []row) error {
	for _, line := range about {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w)
	fmt.Fprintln(w, "\tpeak RSS\tmean live\tmean RSS\tRSS after\t\tp99\tGC\tGC share\t")
	fmt.Fprintln(w, "allocator\tMiB\tMiB\t/ live\tsilence MiB\tops/s\tms\tcycles\tof CPU\t")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.2f\t%.1f\t%.0f\t%.0f\t%d\t%.2f %%\t\n",
			r.Alloc, float64(r.PeakRSS)/mib, r.MeanLive/mib, r.RSSByLive, float64(r.RSSAfter)/mib,
			r.OpsPerSec, r.P99, r.GCCycles, 100*r.GCShare)
	}
	return w.Flush()
}
