package modes

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// anySize are the article's own: what they hand out has whatever length.
var anySize = map[string]bool{"pool": true, "recycler": true, "recycler-mended": true}

// Sizes are small here: what a mode does depends on them only by comparison.
const smallest, largest = 1000, 2000

func randomSize(r *rand.Rand) int { return smallest + r.IntN(largest-smallest) }

func open(t *testing.T, name string) Mode {
	t.Helper()
	sizes := rand.New(rand.NewPCG(1, 2))
	m, err := New(name, Config{Age: time.Minute, Size: func() int { return randomSize(sizes) }})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestModes puts each mode under the article's load: every buffer is its holder's alone, and of the length asked for
// where the mode promises that.
func TestModes(t *testing.T) {
	names, err := Select("all")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			const gets = 2000
			m, r := open(t, name), rand.New(rand.NewPCG(1, 1))
			held := make([][]byte, 20)
			mark := make([]byte, len(held))
			tooSmall := 0
			for range gets {
				n := randomSize(r)
				b := m.Get(n)
				switch {
				case len(b) == n:
				case !anySize[name]:
					t.Fatalf("Get(%d) returned %d bytes", n, len(b))
				case len(b) < n:
					tooSmall++
				}
				i := r.IntN(len(held))
				for _, at := range []int{0, len(held[i]) - 1} {
					if held[i] != nil && held[i][at] != mark[i] {
						t.Fatalf("byte %d of a buffer of %d changed while it was held", at, len(held[i]))
					}
				}
				if held[i] != nil {
					m.Give(held[i])
				}
				mark[i]++
				b[0], b[len(b)-1] = mark[i], mark[i]
				held[i] = b
			}
			if anySize[name] && tooSmall < gets/4 {
				t.Errorf("%d of %d buffers were too small: expected about half, from a mode that looks at no size", tooSmall, gets)
			}
			for _, b := range held {
				m.Give(b)
			}
			switch makes := m.Makes(); name {
			case "gc", "raw", "cmem":
				if makes != gets {
					t.Errorf("Makes() = %d after %d Gets, expected as many", makes, gets)
				}
				if kept := m.Kept(); kept != 0 {
					t.Errorf("Kept() = %d of a mode without a store", kept)
				}
			default:
				if makes < 20 || makes >= gets/2 {
					t.Errorf("Makes() = %d after %d Gets of 20 buffers: nothing was recycled", makes, gets)
				}
			}
		})
	}
}

func TestPoolHoldsFive(t *testing.T) {
	for _, name := range []string{"pool", "pool-sized"} {
		m := open(t, name)
		for range 8 {
			m.Give(make([]byte, 10))
		}
		if kept := m.Kept(); kept != 50 {
			t.Errorf("%s keeps %d bytes of eight buffers of 10, expected five buffers", name, kept)
		}
	}
}

// TestTooSmall is the difference between the article's modes and the sized ones.
func TestTooSmall(t *testing.T) {
	for name, expect := range map[string]struct{ length, makes, kept int }{
		"pool":       {10, 0, 0},
		"pool-sized": {15, 1, 0}, // and the buffer of 10 is dropped
		// The recycler has one at hand before it is asked, and so again after each get.
		"recycler":        {10, 1, 0},
		"recycler-mended": {10, 1, 0},
		"recycler-sized":  {15, 1, 10},
	} {
		m := open(t, name)
		m.Give(make([]byte, 10))
		if b := m.Get(15); len(b) != expect.length {
			t.Errorf("%s: Get(15) with 10 bytes in store returned %d bytes, expected %d", name, len(b), expect.length)
		}
		if makes := m.Makes(); makes != int64(expect.makes) {
			t.Errorf("%s: %d buffers made, expected %d", name, makes, expect.makes)
		}
		if strings.HasPrefix(name, "recycler") && !strings.HasSuffix(name, "sized") {
			continue // what it has at hand now is of a random size
		}
		if kept := m.Kept(); kept != int64(expect.kept) {
			t.Errorf("%s: %d bytes kept, expected %d", name, kept, expect.kept)
		}
	}
}

// TestReuseOfLonger has a sized mode hand out a long buffer for a short request, and then again for a long one.
func TestReuseOfLonger(t *testing.T) {
	for _, name := range []string{"pool-sized", "recycler-sized", "syncpool"} {
		m := open(t, name)
		b := m.Get(16)
		for _, n := range []int{9, 16, 12} {
			m.Give(b)
			if b = m.Get(n); len(b) != n {
				t.Errorf("%s: Get(%d) returned %d bytes", name, n, len(b))
			}
		}
		if makes := m.Makes(); makes != 1 && name != "syncpool" { // a sync.Pool may forget
			t.Errorf("%s made %d buffers, expected to use the first again", name, makes)
		}
	}
}

func TestSelect(t *testing.T) {
	if names, err := Select("cmem,gc"); err != nil || strings.Join(names, " ") != "cmem gc" {
		t.Errorf("Select(cmem,gc) = %v, %v", names, err)
	}
	for list, expect := range map[string]string{
		"":          `no mode is called "": expected all, or some of gc, pool`,
		"gc,gcc":    `no mode is called "gcc"`,
		"gc,all":    `no mode is called "all"`,
		"gc,pool,":  `no mode is called ""`,
		"gc,raw,gc": "twice",
	} {
		if names, err := Select(list); err == nil || !strings.Contains(err.Error(), expect) && newRaw != nil {
			t.Errorf("Select(%q) = %v, %v, expected an error with %q", list, names, err, expect)
		}
	}
}

// TestRawNeedsCgo looks at a build without cgo: all leaves raw out, and raw says what it needs.
func TestRawNeedsCgo(t *testing.T) {
	names, err := Select("all")
	if err != nil {
		t.Fatal(err)
	}
	if newRaw != nil {
		if len(names) != len(Names()) {
			t.Errorf("all is %v, expected %v", names, Names())
		}
		return
	}
	if len(names) != len(Names())-1 {
		t.Errorf("all is %v, expected %v without raw", names, Names())
	}
	if _, err := New("raw", Config{}); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=1") {
		t.Errorf("New(raw) without cgo: %v, expected an error that says what it needs", err)
	}
}
