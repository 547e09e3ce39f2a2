package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocumentedColumns holds the CSV to the README, which has a line for each column.
func TestDocumentedColumns(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "## The CSV")
	section, _, _ = strings.Cut(section, "\n## ")
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(section, -1) {
		documented = append(documented, m[1])
	}
	if !slices.Equal(documented, columnNames()) {
		t.Errorf("README.md documents the columns\n%v\nand the CSV has\n%v", documented, columnNames())
	}
}

func TestCSV(t *testing.T) {
	written := []sample{
		{seconds: 0.25, phase: steady, heapSys: 1, heapAlloc: 2, heapIdle: 3, heapReleased: 4, makes: 5, live: 6, kept: 7,
			rss: 8, peakRSS: 9, gets: 10, tooSmall: 11, gcs: 12, cpu: 13.5, minorFaults: 14},
		{seconds: 1, phase: silence},
	}
	var file bytes.Buffer
	w, err := newSampleWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range written {
		if err := w.write(&written[i]); err != nil {
			t.Fatal(err)
		}
	}
	if lines := strings.Count(file.String(), "\n"); lines != 3 {
		t.Errorf("%d lines, expected 3:\n%s", lines, file.String())
	}
	read, err := readSamples(&file)
	if err != nil || !slices.Equal(read, written) {
		t.Errorf("read %+v, %v; written was %+v", read, err, written)
	}
}

func TestBadCSV(t *testing.T) {
	head := strings.Join(columnNames(), ",") + "\n"
	word := head + "x" + strings.Repeat(",1", len(columns)-1)
	for _, text := range []string{"", "a,b\n1,2\n", head, head + "1,steady\n", word} {
		if samples, err := readSamples(strings.NewReader(text)); err == nil {
			t.Errorf("%q was read as %+v, expected an error", text, samples)
		}
	}
}
