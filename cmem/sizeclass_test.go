package cmem

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// A vector is what the class arithmetic must say of the requests from first to size: these are the
// vectors of the tests in C, too.
type vector struct {
	cls                        uint
	first, size, pages, blocks int
}

func vectors(t *testing.T) (rows []vector) {
	t.Helper()
	text, err := os.ReadFile("testdata/classes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var v vector
		if _, err := fmt.Sscan(line, &v.cls, &v.first, &v.size, &v.pages, &v.blocks); err != nil {
			t.Fatalf("testdata/classes.txt: %q: %v", line, err)
		}
		rows = append(rows, v)
	}
	if len(rows) != numClasses {
		t.Fatalf("testdata/classes.txt has %d classes, want %d", len(rows), numClasses)
	}
	return rows
}

// TestClassOf holds classOf and the generated tables against the vectors, for every request.
func TestClassOf(t *testing.T) {
	for _, v := range vectors(t) {
		if got := int(classSize[v.cls]); got != v.size {
			t.Errorf("classSize[%d] = %d, want %d", v.cls, got, v.size)
		}
		if got := classSpan[v.cls]; int(got.pages) != v.pages || int(got.blocks) != v.blocks {
			t.Errorf("classSpan[%d] = %d, want %d pages and %d blocks", v.cls, got, v.pages, v.blocks)
		}
		step := 1
		if v.size > 64<<10 && testing.Short() {
			step = 97
		}
		for n := v.first; n <= v.size; n = min(n+step, max(n+1, v.size)) {
			if cls, size := classOf(n); cls != v.cls || size != v.size {
				t.Fatalf("classOf(%d) = %d, %d, want %d, %d", n, cls, size, v.cls, v.size)
			}
		}
	}
}

// TestSizeClasses checks the table that users see.
func TestSizeClasses(t *testing.T) {
	next := 1
	for cls, c := range SizeClasses() {
		if c.MinSize != next || c.Size < c.MinSize {
			t.Errorf("class %d serves %d to %d, want from %d on", cls, c.MinSize, c.Size, next)
		}
		next = c.Size + 1
		if c.SpanBytes%4096 != 0 || c.Blocks*c.Size > c.SpanBytes {
			t.Errorf("class %d: %d blocks of %d in a span of %d", cls, c.Blocks, c.Size, c.SpanBytes)
		}
		if c.TailWaste() != 0 {
			t.Errorf("class %d wastes the last %d bytes of a span", cls, c.TailWaste())
		}
		if w := c.MaxWaste(); c.MinSize > 128 && w > 0.125 || w < 0 {
			t.Errorf("class %d wastes %.3f of a span", cls, w)
		}
	}
	if next != maxClassSize+1 {
		t.Errorf("the classes end at %d, want %d", next-1, maxClassSize)
	}
}
