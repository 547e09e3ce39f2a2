//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"fmt"
	"os"
	"strings"
	"testing"

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
