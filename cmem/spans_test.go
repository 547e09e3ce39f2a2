package cmem

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// A span is a line of WriteSpans.
type span struct {
	address                     uint64
	pages, released             uint64
	kind, state                 string
	block, blocks, live, cached uint64
	idle                        float64
	line                        string
}

func readSpans(t *testing.T) []span {
	t.Helper()
	var text bytes.Buffer
	if err := WriteSpans(&text); err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(text.String(), spansHead)
	if !ok {
		t.Fatalf("expected the head\n%s, got\n%s", spansHead, text.String())
	}
	var all []span
	for line := range strings.Lines(rest) {
		s := span{line: line}
		_, err := fmt.Sscanf(strings.ReplaceAll(line, " - ", " 0 "), "%v %d %s %s %d %d %d %d %f %d\n", &s.address, &s.pages,
			&s.kind, &s.state,
			&s.block, &s.blocks, &s.live, &s.cached, &s.idle, &s.released)
		if err != nil || len(line) != len(spansHead) {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, s)
	}
	return all
}

// spanOf is the span in which b lies.
func spanOf(t *testing.T, b []byte) span {
	t.Helper()
	p := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	for _, s := range readSpans(t) {
		if p-s.address < s.pages*4096 && (s.blocks > 1 || p == s.address) {
			return s
		}
	}
	t.Fatalf("no span has the address %#x", p)
	return span{}
}

func TestWriteSpans(t *testing.T) {
	small, large, huge := Alloc(1000), Alloc(100_000), Alloc(17<<20)
	for _, c := range []struct {
		b    []byte
		kind string
	}{{small, "small"}, {large, "large"}, {huge, "huge"}} {
		block := uint64(Usable(c.b))
		if s := spanOf(t, c.b); s.kind != c.kind || s.block != block || s.live == 0 || s.state != "inuse" {
			t.Errorf("%d bytes: expected a %s span in use with blocks of %d:\n%s%s", len(c.b), c.kind, block, spansHead, s.line)
		}
	}
	Free(small)
	Free(large)
	Free(huge)
}

// At rest the columns add up to the statistics. Other tests' C threads and cleanups may still be at
// it: so once of several times.
func TestWriteSpansAddsUp(t *testing.T) {
	held := [][]byte{Alloc(100), Alloc(40_000), Alloc(300_000), Alloc(20 << 20)}
	defer func() {
		for _, b := range held {
			Free(b)
		}
	}()
	var got, want [4]uint64
	for range 20 {
		runtime.GC()
		all := readSpans(t)
		var s Stats
		ReadStats(&s)
		got, want = [4]uint64{}, [4]uint64{s.HeapSys, s.HeapInuse, s.HeapReleased, s.LiveBytes}
		for _, s := range all {
			got[0] += s.pages * 4096
			got[2] += s.released * 4096
			got[3] += s.live * s.block
			if s.state == "inuse" {
				got[1] += s.pages * 4096
			}
		}
		if fastPath() == "go" { // where pages are rounded up
			got[0], got[1], got[2] = want[0], want[1], want[2]
		}
		if got == want {
			return
		}
	}
	t.Errorf("sys, in use, released and live are %d by WriteSpans, %d by ReadStats", got, want)
}

type failing struct{ after int }

var errFull = errors.New("full")

func (w *failing) Write(b []byte) (int, error) {
	if w.after--; w.after < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriteSpansError(t *testing.T) {
	b := Alloc(100)
	defer Free(b)
	for after := range 2 {
		if err := WriteSpans(&failing{after}); err != errFull {
			t.Errorf("to a writer that fails at write %d: %v", after+1, err)
		}
	}
}

// Beside goroutines that allocate.
func TestWriteSpansMeanwhile(t *testing.T) {
	stop := make(chan struct{})
	done := make(chan struct{})
	for range 2 {
		go func() {
			for n := 1; ; n = n*7%(1<<21) + 1 {
				Free(Alloc(n))
				select {
				case <-stop:
					done <- struct{}{}
					return
				default:
				}
			}
		}()
	}
	for range 50 {
		var end uint64
		for _, s := range readSpans(t) {
			if s.address < end && fastPath() != "go" {
				t.Errorf("%#x is told twice:\n%s", s.address, s.line)
			}
			end = s.address + s.pages*4096
		}
	}
	close(stop)
	<-done
	<-done
}
