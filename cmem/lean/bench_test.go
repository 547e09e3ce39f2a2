//go:build cgo && linux && !race && !asan && !goexperiment.cgocheck2

package lean

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkMalloc shows what fewer arenas cost: the time of a malloc and a free of C threads that
// do nothing else. The arenas are as many as CMEMLEAN says, 0 is glibc's default.
func BenchmarkMalloc(b *testing.B) {
	program := build(b, "contend")
	for _, sizes := range []string{"16-512", "16-8192", "2000-65536"} {
		for _, threads := range []int{2, 8} {
			for _, arenas := range []int{0, 1, 4} {
				b.Run(fmt.Sprintf("bytes=%s/threads=%d/arenas=%d", sizes, threads, arenas), func(b *testing.B) {
					from, to, _ := strings.Cut(sizes, "-")
					cmd := exec.Command(program, strconv.Itoa(threads), strconv.Itoa(b.N), from, to)
					cmd.Env = cleanEnv(fmt.Sprintf("CMEMLEAN=arenas=%d", arenas))
					out, err := cmd.CombinedOutput()
					if err != nil {
						b.Fatalf("%v\n%s", err, out)
					}
					ns, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(ns, "ns/op") // without the program's start
				})
			}
		}
	}
}
