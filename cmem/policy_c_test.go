//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/gocmem/cmem/c"
	"github.com/gocmem/cmem/cmem/internal/ctest"
)

// policyScripts is what a cache does, step by step. tests/c/test_policy.c drives a C thread by the
// same file, whose head tells what its lines mean.
const policyScripts = "testdata/policy.txt"

// TestPolicyScripts drives a P. CMEM_UPDATE=1 writes down what it does: for C to be compared with.
func TestPolicyScripts(t *testing.T) {
	pid := onOneP(t)
	text, err := os.ReadFile(policyScripts)
	if err != nil {
		t.Fatal(err)
	}
	var (
		blocks [][]byte
		script string
		out    strings.Builder
	)
	end := func() {
		for _, b := range blocks {
			Free(b)
		}
		blocks = nil
	}
	defer end()
	steps := 0
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		word, _, _ := strings.Cut(line, " ")
		did, n := "", 0
		if word == "boost" || word == "alloc" || word == "free" {
			if _, err := fmt.Sscan(strings.TrimPrefix(line, word), &n); err != nil {
				t.Fatalf("%s:%d: %q: a number is expected", policyScripts, i+1, line)
			}
			caches[pid].Trips = c.Trips{} // it does not get a boost by itself
			steps++
		}
		switch word {
		case "script":
			script = line
			end()
			drain()
			ctest.EmptyLists()
			withCache()
			caches[pid].Recent = 0
			did = line
		case "boost":
			for range n {
				boost(pid)
			}
			did = fmt.Sprintf("boost %d = %d", n, caches[pid].Capacity)
		case "alloc":
			b := Alloc(n)
			blocks = append(blocks, b)
			did = fmt.Sprintf("alloc %d = %d |%s", n, Usable(b), holds(pid))
		case "free":
			Free(blocks[n])
			blocks[n] = nil
			ctest.EmptyLists()
			did = fmt.Sprintf("free %d |%s", n, holds(pid))
		case "#", "":
			did = line
		default:
			t.Fatalf("%s:%d: %q: script, boost, alloc or free are expected", policyScripts, i+1, line)
		}
		out.WriteString(did + "\n")
		if did != line && os.Getenv("CMEM_UPDATE") == "" {
			t.Fatalf("%s:%d, in %q: a P does\n%s\nwhere\n%s\nis expected", policyScripts, i+1, script, did, line)
		}
	}
	if os.Getenv("CMEM_UPDATE") != "" {
		if err := os.WriteFile(policyScripts, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if steps < 100 {
		t.Errorf("%s has %d steps: that cannot be all", policyScripts, steps)
	}
}

// holds is what the cache of P pid holds: block size:number.
func holds(pid int) string {
	var out strings.Builder
	for cls := range caches[pid].Mag {
		if n := len(entries(&caches[pid].Mag[cls])); n > 0 {
			fmt.Fprintf(&out, " %d:%d", classSize[cls], n)
		}
	}
	return out.String()
}

// TestTripMeanwhile has the heap change between the steps of a miss and of an overflow, as another
// goroutine may: nothing is lost, and the caches' counts stay right.
func TestTripMeanwhile(t *testing.T) {
	needCaches(t)
	noLeak(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	defer SetLimit(SetLimit(0))
	meanwhile := map[string]func(){
		"nothing":  func() {},
		"drain":    drain,
		"scavenge": func() { Scavenge() },
		"trim": func() {
			c.MarkCaches()
			trimCaches()
		},
		"fewer Ps": func() { // their caches are deleted
			runtime.GOMAXPROCS(1)
			drain()
		},
		"limit": func() { SetLimit(1) },
		"other misses": func() {
			for _, n := range []int{100, 4 << 10, 64 << 10, 300 << 10, 5 << 20} {
				Free(Alloc(n))
				churnOne(n)
			}
		},
	}
	for name, change := range meanwhile {
		for _, n := range []int{16, 1000, 20 << 10, 64 << 10, 300 << 10, 1 << 20, 5 << 20} {
			for step := range 3 {
				SetLimit(0)
				runtime.GOMAXPROCS(4)
				after := func(i int) {
					if i == step {
						change()
					}
				}
				t0 := tripPool.Get().(*c.Trip)
				depart(t0, n)
				after(0)
				t0.Miss()
				after(1)
				arrive(t0, n)
				p := t0.Block
				tripPool.Put(t0)
				if p == 0 {
					if name != "limit" || step != 0 {
						t.Fatalf("%s at step %d: no block for %d bytes", name, step, n)
					}
					continue
				}
				f := fill(slice(unsafe.Pointer(at[byte](p)), n), uint64(n))
				after(2)
				if err := f.err(); err != nil {
					t.Fatalf("%s at step %d: %v", name, step, err)
				}
				Free(f.b)
				checkCaches(t)
			}
			checkSums(t)
		}
	}
	SetLimit(0)
}

// churnOne fills and overflows the magazine of n bytes.
func churnOne(n int) {
	wave(min(c.MagazineSize(classOf1(n))+2, 64<<20/n), n)
}
