package cmem

import "testing"

// TestClassOf compares classOf with its definition: 16-byte steps up to 256 bytes, then 8 steps a doubling.
func TestClassOf(t *testing.T) {
	var sizes []int
	for size := 16; size <= 256; size += 16 {
		sizes = append(sizes, size)
	}
	for base := 256; base < maxClassSize; base *= 2 {
		for step := 1; step <= 8; step++ {
			sizes = append(sizes, base+base/8*step)
		}
	}
	if len(sizes) != numClasses || sizes[numClasses-1] != maxClassSize {
		t.Fatalf("%d classes up to %d by the definition, want %d up to %d", len(sizes), sizes[len(sizes)-1], numClasses, maxClassSize)
	}
	n := 1
	for cls, size := range sizes {
		if int(classSize[cls]) != size {
			t.Errorf("classSize[%d] = %d, want %d", cls, classSize[cls], size)
		}
		step := 1
		if size > 64<<10 && testing.Short() {
			step = 97
		}
		for ; n <= size; n += step {
			if gotCls, gotSize := classOf(n); gotCls != uint(cls) || gotSize != size {
				t.Fatalf("classOf(%d) = %d, %d, want %d, %d", n, gotCls, gotSize, cls, size)
			}
		}
		n = size + 1
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
