package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// columns are those of the CSV, in order, each with its place in a sample: a *float64, *int64 or *string.
var columns = []struct {
	name  string
	field func(*sample) any
}{
	{"seconds", func(s *sample) any { return &s.seconds }},
	{"phase", func(s *sample) any { return &s.phase }},
	{"HeapSys", func(s *sample) any { return &s.heapSys }},
	{"HeapAlloc", func(s *sample) any { return &s.heapAlloc }},
	{"HeapIdle", func(s *sample) any { return &s.heapIdle }},
	{"HeapReleased", func(s *sample) any { return &s.heapReleased }},
	{"makes", func(s *sample) any { return &s.makes }},
	{"live", func(s *sample) any { return &s.live }},
	{"RSS", func(s *sample) any { return &s.rss }},
	{"kept", func(s *sample) any { return &s.kept }},
	{"peakRSS", func(s *sample) any { return &s.peakRSS }},
	{"gets", func(s *sample) any { return &s.gets }},
	{"tooSmall", func(s *sample) any { return &s.tooSmall }},
	{"GCs", func(s *sample) any { return &s.gcs }},
	{"cpuSeconds", func(s *sample) any { return &s.cpu }},
	{"minorFaults", func(s *sample) any { return &s.minorFaults }},
}

func columnNames() []string {
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	return names
}

// A sampleWriter writes samples as CSV, each as soon as it is there, so that a run that is cut
// short leaves what it saw.
type sampleWriter struct{ w *csv.Writer }

func newSampleWriter(w io.Writer) (*sampleWriter, error) {
	sw := &sampleWriter{csv.NewWriter(w)}
	return sw, sw.row(columnNames())
}

func (sw *sampleWriter) write(s *sample) error {
	row := make([]string, len(columns))
	for i, c := range columns {
		switch v := c.field(s).(type) {
		case *string:
			row[i] = *v
		case *int64:
			row[i] = strconv.FormatInt(*v, 10)
		case *float64:
			row[i] = strconv.FormatFloat(*v, 'f', 3, 64)
		}
	}
	return sw.row(row)
}

func (sw *sampleWriter) row(fields []string) error {
	sw.w.Write(fields) // its error is Error's, too
	sw.w.Flush()
	return sw.w.Error()
}

// readSamples reads what a sampleWriter has written.
func readSamples(r io.Reader) ([]sample, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 || !slices.Equal(rows[0], columnNames()) {
		return nil, fmt.Errorf("expected the columns %v and samples below them", columnNames())
	}
	samples := make([]sample, len(rows)-1)
	for i, row := range rows[1:] {
		for j, c := range columns {
			switch v := c.field(&samples[i]).(type) {
			case *string:
				*v = row[j]
			case *int64:
				*v, err = strconv.ParseInt(row[j], 10, 64)
			case *float64:
				*v, err = strconv.ParseFloat(row[j], 64)
			}
			if err != nil {
				return nil, fmt.Errorf("sample %d, %s: %w", i+1, c.name, err)
			}
		}
	}
	return samples, nil
}

// readSampleFile is readSamples of a file.
func readSampleFile(name string) ([]sample, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	samples, err := readSamples(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return samples, nil
}
