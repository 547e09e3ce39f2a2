//go:build linux

package figures

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
	"github.com/gocmem/cmem/go/vsz"
)

func traced(name string, threads ...string) study.Traced {
	t := study.Traced{Package: "./ex1", Variant: name}
	for _, calls := range threads {
		t.Threads = append(t.Threads, vsz.TracedThread{Calls: strings.Fields(calls)})
	}
	return t
}

func TestWriteTrace(t *testing.T) {
	long := strings.Repeat("x", 100)
	a := traced("nocgo", "execve() a() b() c() d() e() f() g() clone() h() i() j() k() l()", "one()", "same() same()")
	b := traced("default", "execve() brk() mmap() a() b() c() d() e() f() g() clone3() h() i() j() k() l()",
		"one() two() "+long, "same() same()", "rt_sigaction(1) rt_sigaction(2)")
	const want = `thread 1
  nocgo                               default
  execve()                            execve()
                                    > brk()
                                    > mmap()
  a()                                 a()
  b()                                 b()
  … 3 that agree
  f()                                 f()
  g()                                 g()
  clone()                           | clone3()
  h()                                 h()
  i()                                 i()
  … from here on they agree: 3 more

thread 2
  nocgo   default
  one()   one()
        > two()
        > xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…

thread 3
  nocgo        default
  same() × 2   same() × 2

thread 4, only in default
  rt_sigaction(…) × 2
`
	if got := text(t, func(w io.Writer) error { return WriteTrace(w, [2]study.Traced{a, b}) }); got != want {
		t.Errorf("got\n%s\nexpected\n%s", got, want)
	}
	b.Package = "./ex2"
	got := text(t, func(w io.Writer) error { return WriteTrace(w, [2]study.Traced{a, b}) })
	if !strings.Contains(got, "  nocgo of ./ex1 ") || !strings.Contains(got, "default of ./ex2\n") {
		t.Errorf("of two packages the sides are headed\n%s", got)
	}
}

// align gives both sides back, in their order, and its equal rows are the most that there can be.
func TestAlign(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("CMEM_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 0, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("CMEM_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	random := func() []repeated {
		var all []repeated
		for range r.IntN(9) {
			all = append(all, repeated{string(rune('a' + r.IntN(3))), 1})
		}
		return all
	}
	for range 2000 {
		a, b := random(), random()
		var left, right []repeated
		same := 0
		for _, row := range align(a, b) {
			if row.left != "" {
				left = append(left, repeated{row.left, 1})
			}
			if row.right != "" {
				right = append(right, repeated{row.right, 1})
			}
			if equal := row.left == row.right; equal != (row.mark == ' ') && equal {
				t.Errorf("%v beside %v: %q", a, b, row)
			}
			if row.mark == ' ' {
				same++
			}
		}
		if !slices.Equal(left, a) || !slices.Equal(right, b) || same != common(a, b) {
			t.Fatalf("%v beside %v is %v and %v, %d the same, expected %d", a, b, left, right, same, common(a, b))
		}
	}
}

// common is the length of the longest common subsequence, by trying all.
func common(a, b []repeated) int {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	best := common(a[1:], b)
	if i := slices.Index(b, a[0]); i >= 0 {
		best = max(best, 1+common(a[1:], b[i+1:]))
	}
	return best
}

func TestAlignIsBounded(t *testing.T) {
	var a []repeated
	for i := range 3 * maxAligned {
		a = append(a, repeated{fmt.Sprint(i), 1})
	}
	if rows := align(a, a); len(rows) != maxAligned {
		t.Errorf("%d rows", len(rows))
	}
}
