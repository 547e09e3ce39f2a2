//go:build linux

package vsz

import (
	"encoding/binary"
	"errors"
	"syscall"
	"testing"
	"time"
)

// fakeMemory32 is a 32-bit process's memory.
type fakeMemory32 map[uint64]uint64

func (m fakeMemory32) ReadAt(p []byte, off int64) (int, error) {
	for i := 0; i < len(p); i += 4 {
		binary.NativeEndian.PutUint32(p[i:], uint32(m[uint64(off)+uint64(i)]))
	}
	return len(p), nil
}

// TestFixture386: a program as qemu-i386 shows it its own mappings: without resident sizes, and
// with the stack where qemu has it. The vdso has the name that a kernel gives it, and qemu's guard
// of the stack is left out.
func TestFixture386(t *testing.T) {
	p := load(t, "386")
	e := explain(p)
	checkSums(t, e)
	byKind{GoHeap: {129, 516 << 10}, GoArenaIndex: {}, GoSummaries: {}, ThreadStacks: {}, GlibcArenas: {},
		Other: {}}.check(t, e)
	if got := e.Kind(GoRuntime).VSZKiB; got < 2000 || got > 5000 {
		t.Errorf("%s: %d KiB, expected 2000 to 5000", GoRuntime, got)
	}
}

// TestHeap32: where the runtime's variables can be read, they tell what is the heap, not looks.
func TestHeap32(t *testing.T) {
	const vars, heap, foreignHeap, meta = 0x8200000, 0x8400000, 0x40000000, 0x38000000
	words := map[uint64]uint64{vars + 4: heap + 516*mib, vars + 12: meta + mib, vars + 20: meta + 4, meta + 8: meta +
		16*mib}
	p := &process{exe: "/srv/x", goVersion: "go1.26", bits32: true, stack: 8 * mib,
		memory: memory{mem: fakeMemory32(words), pagemap: fakePagemap(words), bits32: true}}
	p.goVars = map[string]span{"runtime.mheap_": {vars, vars + 4096}}
	for _, a := range []uint64{heap, foreignHeap} {
		foreign(p, a, 4*mib, "rw-p", "rd wr mr mw me ac")
		foreign(p, a+4*mib, 512*mib, "---p", "mr mw me")
	}
	foreign(p, meta, mib, "rw-p", "rd wr mr mw me ac")
	foreign(p, meta+mib, 2*mib, "---p", "mr mw me")
	foreign(p, meta+16*mib, mib, "rw-p", "rd wr mr mw me ac")
	e := explain(p)
	checkSums(t, e)
	byKind{GoHeap: {129, 516 << 10}, GoRuntime: {3, 4 << 10}}.check(t, e)
	if got := e.Kind(Other).VSZKiB; got != 516<<10 {
		t.Errorf("%d KiB are other, expected the foreign 516 MiB", got)
	}
}

// TestLive386 explains a real 32-bit process, where the kernel runs those.
func TestLive386(t *testing.T) {
	w := workspace(t)
	p, err := w.Build(t.Context(), "../../examples/vsz/ex1",
		Variant{Name: "386", Cgo: CgoOff, Env: []string{"GOARCH=386"}})
	if err != nil {
		t.Fatal(err)
	}
	proc, err := p.Start(t.Context(), RunConfig{Ready: Ready{After: 300 * time.Millisecond}})
	if errors.Is(err, syscall.ENOEXEC) {
		t.Skip("the kernel runs no 386 programs: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proc.Stop)
	e, err := Explain(proc.PID())
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, e)
	if other := e.Kind(Other).VSZKiB; other*100 >= e.VSZKiB {
		t.Errorf("%d KiB of %d are other, expected under 1 %%", other, e.VSZKiB)
	}
}
