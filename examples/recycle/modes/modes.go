// Package modes holds the ways to come by a buffer that the recycling experiment compares, all behind one interface.
package modes

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A Mode hands out buffers and takes them back. It is made for one caller; what it does in goroutines of its own is its
// own business.
type Mode interface {
	// Get returns a buffer for n bytes: one of that length, except in the article's own pool and recycler, which return
	// any buffer they have.
	Get(n int) []byte
	// Give takes a buffer of Get back. Its caller uses it no more.
	Give(b []byte)
	// Makes is how many buffers were made so far, of whatever memory; the other Gets were served by recycling.
	Makes() int64
	// Kept is how many bytes lie in the mode's own store, waiting for a Get: 0 where it has none, or none that it can
	// look into (syncpool, cmem).
	Kept() int64
}

// A Heap is a mode whose buffers come from a heap beside Go's, one that keeps the same books.
type Heap interface {
	Mode
	HeapStats() HeapStats
}

// HeapStats are a heap's figures, in bytes, under the names that runtime.MemStats has for them.
type HeapStats struct{ Sys, Alloc, Idle, Released int64 }

// Config is what some of the modes need to know.
type Config struct {
	Age  time.Duration // recyclers drop what has been in store for longer
	Size func() int    // the article's recycler makes buffers that nobody has asked for yet: of what length
}

// catalogue lists the modes in the order of the tables and charts. An open that is nil is not in this build.
var catalogue = []struct {
	name, about string
	open        func(Config) Mode
}{
	{"gc", "make, and leave the rest to the collector", newGC},
	{"pool", "the article's channel of 5, any buffer for any size", newPool},
	{"pool-sized", "the same, but a buffer that is too small is dropped", newSizedPool},
	{"recycler", "the article's get and give channels, any buffer for any size; each restarts the ageing timer",
		newRecycler},
	{"recycler-sized", "the same, but the newest buffer that is large enough", newSizedRecycler},
	{"recycler-mended", "recycler, but its ageing clock is left running", newMendedRecycler},
	{"syncpool", "a sync.Pool for each power of two", newSyncPool},
	{"raw", "C.malloc and C.free", newRaw},
	{"cmem", "cmem.Alloc and cmem.Free", newCmem},
}

// Names lists the modes.
func Names() []string {
	var names []string
	for _, m := range catalogue {
		names = append(names, m.name)
	}
	return names
}

// About describes the modes, one a line.
func About() string {
	var b strings.Builder
	for _, m := range catalogue {
		fmt.Fprintf(&b, "  %-16s %s\n", m.name, m.about)
	}
	return b.String()
}

// Select reads a list of modes: names between commas, or "all", which is every mode that this build has.
func Select(list string) ([]string, error) {
	var names []string
	if list == "all" {
		for _, m := range catalogue {
			if m.open != nil {
				names = append(names, m.name)
			}
		}
		return names, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		if _, err := find(name); err != nil {
			return nil, err
		}
		if slices.Contains(names, name) {
			return nil, fmt.Errorf("%s is named twice", name)
		}
		names = append(names, name)
	}
	return names, nil
}

// New starts the mode of that name.
func New(name string, c Config) (Mode, error) {
	open, err := find(name)
	if err != nil {
		return nil, err
	}
	return open(c), nil
}

func find(name string) (func(Config) Mode, error) {
	for _, m := range catalogue {
		switch {
		case m.name != name:
		case m.open == nil:
			return nil, fmt.Errorf("mode %s needs cgo: build with CGO_ENABLED=1 and a C compiler", name)
		default:
			return m.open, nil
		}
	}
	return nil, fmt.Errorf("no mode is called %q: expected all, or some of %s", name, strings.Join(Names(), ", "))
}

// tally counts what a mode made and keeps. It is atomic because a recycler counts in a goroutine of its own.
type tally struct{ makes, kept atomic.Int64 }

func (t *tally) Makes() int64 { return t.makes.Load() }
func (t *tally) Kept() int64  { return t.kept.Load() }

// fresh makes a buffer of Go memory.
func (t *tally) fresh(n int) []byte {
	t.makes.Add(1)
	return make([]byte, n)
}

// stored counts a buffer that goes into the store, taken one that leaves it. A buffer's capacity is what it was made
// with; its length may be a smaller request's.
func (t *tally) stored(b []byte) { t.kept.Add(int64(cap(b))) }
func (t *tally) taken(b []byte)  { t.kept.Add(-int64(cap(b))) }
