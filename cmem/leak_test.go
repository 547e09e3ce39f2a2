package cmem

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestNoGoroutines: whoever looks for leaked goroutines finds none of this package's: in use, at
// rest, and while Go's memory limit is tracked.
func TestNoGoroutines(t *testing.T) {
	for _, vars := range []string{"", "idle=20ms", "memlimit=1,idle=20ms"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"=goroutines", "CMEMDEBUG="+vars, "GOMEMLIMIT=4GiB")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("CMEMDEBUG=%s: %v:\n%s", vars, err, out)
		}
	}
}

func init() { children["goroutines"] = checkNoGoroutines }

func checkNoGoroutines() {
	SetIdleLimit(idleAtStart)
	looked("before the first use")
	Free(Alloc(100_000))
	looked("at the first use")
	for _, k := range sizesOfKinds {
		Free(Alloc(k.n))
		New(k.n)
		NewArena().Alloc(k.n)
		Attach(new([16]byte), Alloc(k.n))
	}
	for range scaled(200) {
		New(1 << 20) // lost: collections are due
	}
	undo := TrackMemoryLimit()
	for range 100 {
		Free(Alloc(1000))
		time.Sleep(time.Millisecond)
	}
	looked("in use")
	undo()
	time.Sleep(2500 * time.Millisecond)
	looked("after a silence")
	Free(Alloc(1000))
	looked("after a use after that")
}

// looked ends the process where a leak checker would find something. Checkers look again for a
// second or longer before they complain.
func looked(when string) {
	var found []string
	for range 20 {
		if found = interestingGoroutines(); len(found) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	fmt.Printf("%s: %d goroutines:\n%s\n", when, len(found), strings.Join(found, "\n\n"))
	os.Exit(1)
}

// interestingGoroutines are the stacks that grpc's leakcheck package complains of: all but the
// caller's and those that contain one of a list of functions of the runtime's and of testing.
func interestingGoroutines() (stacks []string) {
	buf := make([]byte, 2<<20)
	buf = buf[:runtime.Stack(buf, true)]
	for i, g := range strings.Split(string(buf), "\n\n") {
		_, stack, ok := strings.Cut(g, "\n")
		boring := i == 0 || !ok || strings.TrimSpace(stack) == ""
		for _, s := range []string{"runtime.goexit", "created by runtime.gc", "runtime.MHeap_Scavenger", "signal.signal_recv",
			"runtime_mcall", "goroutine in C code"} {
			boring = boring || strings.Contains(stack, s)
		}
		if !boring {
			stacks = append(stacks, g)
		}
	}
	return stacks
}
