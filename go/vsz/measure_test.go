//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

// The programs are built the same whatever the tests are built with, so once is enough.

package vsz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMeasure(t *testing.T) {
	unsetMalloc(t)
	w := workspace(t)
	ctx := context.Background()
	cfg := MeasureConfig{Run: RunConfig{Ready: ready}, Settle: settle, Resolver: true, Syscalls: true}
	rows := make(map[string]*VariantReport)
	for name, resolver := range map[string]string{"nocgo": "Go", "default": "dynamic", "netcgo": "cgo"} {
		row, err := build(t, w, examples+"testnetgo", lookup(t, name)).Measure(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		rows[name] = row
		if row.Resolver != resolver || !strings.Contains(row.ResolverBy, "netdns=1") {
			t.Errorf("%s: resolver %s by %s, expected %s by the netdns line", name, row.Resolver, row.ResolverBy, resolver)
		}
		if row.Name != name || row.BinaryBytes == 0 || row.StartupMS <= 0 || row.Threads < 2 || row.Mappings < 20 ||
			row.PSSKiB == 0 || row.MinorFaults == 0 || row.VSZPeakKiB < row.VSZKiB {
			t.Errorf("%s: not all is filled in: %+v", name, row)
		}
		checkSyscalls(t, row)
	}
	checkWhy(t, rows["nocgo"], rows["default"])
}

func checkSyscalls(t *testing.T, row *VariantReport) {
	t.Helper()
	if row.NoSyscalls != "" {
		t.Logf("%s: no system calls: %s", row.Name, row.NoSyscalls)
		return
	}
	libs := int64(len(row.Libs))
	if n := row.Syscalls; n["mmap"] < 15 || n["clone"] < 2 || n[LibrariesOpened] != libs || (n["brk"] > 0) != row.LinksC {
		t.Errorf("%s: %v; expected mmap and clone, brk if it links C, and %d libraries", row.Name, n, libs)
	}
}

func checkWhy(t *testing.T, nocgo, cgo *VariantReport) {
	t.Helper()
	d := Why(nocgo, cgo)
	sum := d.RestKiB
	var kinds []Kind
	for _, r := range d.Reasons {
		kinds = append(kinds, r.Kind)
		sum += r.VSZKiB
	}
	if len(kinds) == 0 || kinds[0] != GlibcArenas || !slices.Contains(kinds, ThreadStacks) ||
		!slices.Contains(kinds, SharedLibs) {
		t.Errorf("reasons %q, expected arenas first, and stacks and libraries", kinds)
	}
	if sum != d.VSZKiB || abs(d.RestKiB) > 256 {
		t.Errorf("%d KiB of %d are not explained, and the sum is %d", d.RestKiB, d.VSZKiB, sum)
	}
	arenas := cgo.Kind(GlibcArenas)
	if want := fmt.Sprintf("MALLOC_ARENA_MAX=1 removes %d MiB", arenas.Count*64); !strings.Contains(d.String(), want) {
		t.Errorf("no %q in: %s", want, d)
	}
}

func TestMeasureErrors(t *testing.T) {
	w := workspace(t)
	p := build(t, w, examples+"ex3", lookup(t, "default"))
	_, err := p.Measure(context.Background(),
		MeasureConfig{Run: RunConfig{Ready: ready, StdinEOF: true}, Settle: 10 * time.Second})
	var failed *RunError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "ended before it was measured") {
		t.Errorf("end of input: error %v, expected a RunError that says that it ended", err)
	}
}
