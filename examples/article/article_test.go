package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/gocmem/cmem/cmem"
)

// overC tells whether buffers are C memory in this build.
func overC() bool {
	var s cmem.Stats
	cmem.ReadStats(&s)
	return s.FastPath != "go"
}

// TestReadme wants README.md to have what the program prints.
func TestReadme(t *testing.T) {
	var out bytes.Buffer
	run(&out)
	got := out.String()
	if strings.Contains(got, "needs cgo") {
		_, got, _ = strings.Cut(got, "needs cgo")
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if got == "" || !strings.Contains(string(text), got) {
		t.Errorf("README.md does not have\n%s\nof\n%s", got, out.String())
	}
}

func TestAttachedItem(t *testing.T) {
	for _, length := range []int{1, 1000, 4097, 100_000, 5 << 20} {
		item := newAttachedItem(length)
		if len(item.Body) != length || cap(item.Body) != length || cmem.Usable(item.Body) < length {
			t.Errorf("%d bytes: len %d, cap %d", length, len(item.Body), cap(item.Body))
		}
		item.Body[length-1] = 1
		item.free()
		if item.Body != nil {
			t.Error("a freed item has a body")
		}
		runtime.KeepAlive(item)
	}
}

// An item that was freed is not freed again when it is collected, though its block is somebody else's then.
func TestAttachedItemFreed(t *testing.T) {
	var before, after cmem.Stats
	cmem.ReadStats(&before)
	var others [][]byte
	for range 100 {
		newAttachedItem(10_000).free()
		others = append(others, cmem.Alloc(10_000))
	}
	for range 3 {
		runtime.GC()
	}
	time.Sleep(10 * time.Millisecond)
	for _, b := range others {
		cmem.Free(b) // or it panics
	}
	cmem.ReadStats(&after)
	if n := after.NetFrees - before.NetFrees; n != 0 {
		t.Errorf("%d were freed by cleanups", n)
	}
}

func TestRing(t *testing.T) {
	if size := unsafe.Sizeof(event{}); size != 32 {
		t.Errorf("an event has %d bytes: its comment says 32 MB a million", size)
	}
	r := newRing(4)
	var want []event
	for i := range 11 {
		if got := r.last(); !slices.Equal(got, want[max(0, len(want)-4):]) {
			t.Errorf("after %d events: %v", i, got)
		}
		e := event{At: int64(i), Kind: uint16(i), Peer: [16]byte{15: byte(i)}}
		r.add(e)
		want = append(want, e)
	}
	r.free()
}

// A large ring is not in Go's heap.
func TestRingIsNotGos(t *testing.T) {
	if !overC() {
		t.Skip("buffers are Go memory in this build")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := newRing(1_000_000)
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc - before.HeapAlloc); grown > 1<<20 {
		t.Errorf("Go's heap has grown by %d bytes", grown)
	}
	r.free()
}

func TestMatrix(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("CMEM_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 0, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("CMEM_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		a := newMatrix(1+r.IntN(20), 1+r.IntN(20))
		b := newMatrix(a.columns, 1+r.IntN(20))
		for _, m := range []*matrix{a, b} {
			for i := range m.v {
				m.v[i] = float32(r.IntN(9)) // so that sums are exact
			}
		}
		product := a.times(b)
		for i := range product.rows {
			for j := range product.columns {
				var want float32
				for k := range a.columns {
					want += a.row(i)[k] * b.row(k)[j]
				}
				if got := product.row(i)[j]; got != want {
					t.Fatalf("element %d, %d is %v, expected %v", i, j, got, want)
				}
			}
		}
		for _, m := range []*matrix{a, b, product} {
			m.free()
		}
	}
}

// TestSpans wants lines as README.md has them, of the same spans, whatever the addresses and times.
func TestSpans(t *testing.T) {
	var out bytes.Buffer
	if err := showSpans(&out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, readme, _ := strings.Cut(string(text), "$ go run ./examples/article spans\n")
	readme, _, ok := strings.Cut(readme, "```")
	if !ok {
		t.Fatal("README.md has no spans")
	}
	for name, text := range map[string]string{"README.md": readme, "the program": out.String()} {
		before, after, ok := strings.Cut(text, "\n1000 bytes are held")
		if !ok || !strings.Contains(before, " small inuse            1024 ") ||
			!strings.Contains(before, " large inuse          106496 ") {
			t.Errorf("%s has no spans of 1000 and 100000 bytes in\n%s", name, text)
		}
		if !overC() && name != "README.md" {
			continue
		}
		if !regexp.MustCompile(` - +released .* 0\.\d\d\d +\d+\n`).MatchString(after) || strings.Contains(after, "106496") {
			t.Errorf("%s: what is free is not released in the end:\n%s", name, text)
		}
	}
}
