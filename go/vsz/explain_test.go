package vsz

import (
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

var global [1 << 20]byte

// This process, whatever it is built with: the parts are the whole, and what is known to be where is there.
func TestSelf(t *testing.T) {
	heap := make([]byte, 1<<20)
	global[0] = 1
	e, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, e)
	if e.Go == "" || e.Threads < 2 || e.Mappings < 10 || e.PSSKiB == 0 || e.VSZPeakKiB < e.VSZKiB {
		t.Errorf("not all is filled in: %+v", e.Usage)
	}
	for _, c := range []struct {
		kind Kind
		p    unsafe.Pointer
	}{{GoHeap, unsafe.Pointer(&heap[0])}, {BSS, unsafe.Pointer(&global[len(global)/2])}} {
		found := false
		for _, m := range e.Map {
			if a := uint64(uintptr(c.p)); m.Start <= a && a < m.End {
				found = m.Kind == c.kind
			}
		}
		if !found {
			t.Errorf("%x is not in %s", uintptr(c.p), c.kind)
		}
	}
}

func TestNoSuchProcess(t *testing.T) {
	for _, pid := range []int{math.MaxInt32, 0, -1} {
		_, err := Explain(pid)
		if err == nil || !strings.Contains(err.Error(), strconv.Itoa(pid)) || !strings.Contains(err.Error(), "no process") {
			t.Errorf("process %d: error %v, expected that there is none", pid, err)
		}
	}
	zombie := exec.Command(os.Args[0], "-test.run=^$")
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	pid := zombie.Process.Pid
	eventually(t, "the child has ended", func() bool { return !alive(pid) })
	if _, err := Measure(pid); err == nil || !strings.Contains(err.Error(), strconv.Itoa(pid)) {
		t.Errorf("a zombie: error %v, expected one that names it", err)
	}
	if err := zombie.Wait(); err != nil {
		t.Error(err)
	}
}
