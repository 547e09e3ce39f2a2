//go:build linux

package figures

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/gocmem/cmem/go/vsz"
)

// WriteCSV writes a line a row: what the table of variants has, then for each kind its virtual and resident KiB. All
// kinds have their columns, so that files of several programs can be put together.
func WriteCSV(out io.Writer, rows []vsz.VariantReport) error {
	head := []string{
		"variant", "failed", "cgo", "links_c", "tags", "load", "lean", "resolver", "linked", "libs", "binary_bytes",
		"startup_ms",
		"vsz_kib", "vsz_peak_kib", "rss_kib", "pss_kib", "pte_kib", "threads", "mappings", "minor_faults", "major_faults",
	}
	for _, k := range vsz.Kinds() {
		head = append(head, string(k)+" count", string(k)+" vsz_kib", string(k)+" rss_kib")
	}
	w := csv.NewWriter(out)
	if err := w.Write(head); err != nil {
		return err
	}
	for i := range rows {
		if err := w.Write(csvLine(&rows[i])); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func csvLine(row *vsz.VariantReport) []string {
	failed, _, _ := strings.Cut(row.Failed, "\n")
	line := []string{
		row.Name, failed, strconv.FormatBool(row.Cgo), strconv.FormatBool(row.LinksC), strings.Join(row.Tags, " "), row.Load,
		strconv.FormatBool(row.Lean), row.Resolver, row.Linked, strings.Join(row.Libs, " "),
		strconv.FormatInt(row.BinaryBytes, 10),
		strconv.FormatFloat(row.StartupMS, 'f', 3, 64),
	}
	for _, n := range []uint64{
		row.VSZKiB, row.VSZPeakKiB, row.RSSKiB, row.PSSKiB, row.PTEKiB, uint64(row.Threads), uint64(row.Mappings),
		row.MinorFaults, row.MajorFaults,
	} {
		line = append(line, strconv.FormatUint(n, 10))
	}
	for _, k := range vsz.Kinds() {
		u := row.Kind(k)
		line = append(line, strconv.Itoa(u.Count), strconv.FormatUint(u.VSZKiB, 10), strconv.FormatUint(u.RSSKiB, 10))
	}
	return line
}
