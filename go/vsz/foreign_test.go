//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

// The programs are built the same whatever the tests are built with, so once is enough.

package vsz

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func needMemory(t *testing.T, proc *Process) {
	t.Helper()
	m, done := openMemory(proc.PID())
	defer done()
	if m.mem == nil {
		t.Skipf("/proc/%d/mem may not be read here", proc.PID())
	}
}

func TestForeignMemory(t *testing.T) {
	unsetMalloc(t)
	w := workspace(t)
	for _, v := range []Variant{
		{Name: "plain"}, {Name: "pie", BuildMode: "pie"}, {Name: "stripped", LDFlags: "-s -w"},
	} {
		p := build(t, w, "./testdata/foreign", v)
		proc := start(t, p, RunConfig{Ready: Ready{Line: regexp.MustCompile("^ready$")}})
		needMemory(t, proc)
		e, err := Explain(proc.PID())
		if err != nil {
			t.Fatal(err)
		}
		checkSums(t, e)
		checkPlaces(t, v.Name, e, proc.Output())
		if got := e.Kind(GoHeap).VSZKiB; got < 200<<10 || got > 400<<10 {
			t.Errorf("%s: Go heap of %d KiB, expected that of 200 MiB of slices", v.Name, got)
		}
	}
}

func checkPlaces(t *testing.T, name string, e *Explanation, output string) {
	t.Helper()
	places := 0
	for line := range strings.Lines(output) {
		at := strings.LastIndex(line, " ")
		a, err := strconv.ParseUint(strings.TrimSpace(line[at+1:]), 10, 64)
		if at < 0 || err != nil {
			continue
		}
		i := slices.IndexFunc(e.Map, func(m Mapping) bool { return m.Start <= a && a < m.End })
		if i < 0 || string(e.Map[i].Kind) != line[:at] {
			t.Errorf("%s: %x is in %+v, expected %s", name, a, e.Map[max(i, 0)], line[:at])
		}
		places++
	}
	if places < 13 {
		t.Errorf("%s: %d places in %q", name, places, output)
	}
}

func TestChangingProcess(t *testing.T) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for {
			b, err := syscall.Mmap(-1, 0, 1<<20, syscall.PROT_READ, syscall.MAP_PRIVATE|syscall.MAP_ANON)
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(2 * time.Millisecond)
			if err := syscall.Munmap(b); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	for range 30 {
		e, err := Self()
		if err != nil {
			t.Error(err)
			break
		}
		checkSums(t, e)
	}
	close(stop)
	wg.Wait()
}
