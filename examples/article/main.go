// Command article is the articles' recipe for buffers outside of Go's heap: an item with a body in
// C memory, which a finalizer frees; then the same with package cmem; then elements of other types
// than bytes. README.md has what it prints.
//
//	article         the recipe
//	article spans   the spans of cmem's heap
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/gocmem/cmem/cmem"
)

func main() {
	switch args := os.Args[1:]; {
	case len(args) == 0:
		run(os.Stdout)
	case len(args) == 1 && args[0] == "spans":
		if err := showSpans(os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "article:", err)
			os.Exit(1)
		}
	default:
		fmt.Fprintf(os.Stderr, "article: arguments %q: expected none, or spans\n", args)
		os.Exit(2)
	}
}

func run(out io.Writer) {
	fmt.Fprintln(out, "item.alloc by C.malloc, a finalizer frees it:")
	showRaw(out)
	fmt.Fprintln(out, "\nthe same by cmem.Alloc and cmem.Attach:")
	showAttached(out)
	fmt.Fprintln(out, "\na ring of structs:")
	showRing(out)
	fmt.Fprintln(out, "\na matrix of float32:")
	showMatrix(out)
	fmt.Fprintln(out, "\na type that holds a Go pointer:")
	showRefused(out)
}

func showAttached(out io.Writer) {
	item := newAttachedItem(100_000)
	fmt.Fprintf(out, "  len %d, cap %d\n", len(item.Body), cap(item.Body))
	body := item.Body
	item.free()
	fmt.Fprintf(out, "  freed twice: refused as a double free: %t\n",
		strings.HasPrefix(misuse(func() { cmem.Free(body) }), "double free"))

	var before, after cmem.Stats
	cmem.ReadStats(&before)
	loseAttachedItems(1000)
	collectUntil(func() bool {
		cmem.ReadStats(&after)
		return after.NetFrees-before.NetFrees >= 1000
	})
	fmt.Fprintf(out, "  1000 items lost: %d bodies freed with them, %d live\n", after.NetFrees-before.NetFrees,
		after.LiveBlocks-before.LiveBlocks)
}

//go:noinline
func loseAttachedItems(n int) {
	for range n {
		newAttachedItem(100_000)
	}
}

func showRing(out io.Writer) {
	ring := newRing(1000)
	for i := range 2500 {
		ring.add(event{At: int64(i), Bytes: 10})
	}
	fmt.Fprintf(out, "  2500 events, of which it has the last %d: number %d to %d\n", len(ring.last()), ring.last()[0].At,
		ring.last()[999].At)
	ring.free()
}

func showMatrix(out io.Writer) {
	a, b := newMatrix(2, 3), newMatrix(3, 2)
	copy(a.v, []float32{1, 2, 3, 4, 5, 6})
	copy(b.v, []float32{7, 8, 9, 10, 11, 12})
	product := a.times(b)
	fmt.Fprintf(out, "  %v × %v = %v\n", a.v, b.v, product.v)
	for _, m := range []*matrix{a, b, product} {
		m.free()
	}
}

func showRefused(out io.Writer) {
	type user struct {
		ID   int
		Name string
	}
	//cmemvet:ignore it panics
	fmt.Fprintf(out, "  %s\n", misuse(func() { cmem.AllocSlice[user](10) }))
}

// misuse is what cmem says of what f does wrong.
func misuse(f func()) (what string) {
	defer func() {
		var m *cmem.MisuseError
		if err, _ := recover().(error); errors.As(err, &m) {
			what = m.What
		}
	}()
	f()
	return "nothing"
}

// collectUntil collects garbage until done says so, for ten seconds at most: finalizers and
// cleanups run some time after a collection.
func collectUntil(done func() bool) {
	for end := time.Now().Add(10 * time.Second); !done() && time.Now().Before(end); time.Sleep(time.Millisecond) {
		runtime.GC()
	}
}
