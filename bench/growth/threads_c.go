//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package main

// #cgo CFLAGS: -std=gnu11 -I${SRCDIR}/../../c
// #cgo LDFLAGS: -lpthread
// #include "threads.h"
import "C"

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	_ "github.com/gocmem/cmem/c" // the library that threads.c links with
	"github.com/gocmem/cmem/cmem"
)

// haveC: the package is over libcmem in this build, and there are C threads.
const haveC = true

func churnedThreads(c *config, r *result) error {
	blocks, calls := threadCharts(r, "threads that have ended")
	seen := 0
	for _, n := range steps(c.limit()) {
		if err := churn(n - seen); err != nil {
			return fmt.Errorf("thread %d: %w", n, err)
		}
		seen = n
		if err := c.threadCosts(n, blocks, calls); err != nil {
			return err
		}
	}
	return nil
}

// idleThreads goes as far as the machine lets it.
func idleThreads(c *config, r *result) error {
	defer C.growth_idle_end()
	blocks, calls := threadCharts(r, "threads that wait")
	for _, n := range steps(c.limit()) {
		if e := C.growth_idle(C.size_t(n)); e != 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("ends below %d threads, which this machine refuses: %v", n, syscall.Errno(e)))
			return nil
		}
		if err := c.threadCosts(n, blocks, calls); err != nil {
			return err
		}
	}
	return nil
}

func churn(n int) error {
	if e := C.growth_churn(C.size_t(n)); e != 0 {
		return syscall.Errno(e)
	}
	return nil
}

func threadCharts(r *result, what string) (blocks, calls *chart) {
	return r.chart(what+": a block in the main thread", "C threads"), r.chart(what+": calls over all threads", "C threads")
}

// threadCosts adds the costs of a block, and of the calls that look at all threads.
func (c *config) threadCosts(n int, blocks, calls *chart) (err error) {
	inC := func(live int) func(int) {
		return func(ops int) { C.growth_blocks(C.size_t(ops), C.size_t(live), 64) }
	}
	blocks.add("C pair, 64 B", n, c.cost(inC(1)))
	blocks.add("C, 1,000 live and none", n, rate(samples, func() float64 {
		const ops = 10 * C.GROWTH_LIVE
		start := time.Now()
		inC(C.GROWTH_LIVE)(ops)
		return since(start) / ops
	}))
	blocks.add("Go pair, 64 B", n, c.cost(newPair(fromCmem, 64, nil).run))
	var s cmem.Stats
	calls.add(readStats, n, c.cost(times(func() { cmem.ReadStats(&s) })))
	calls.add(scavengeNothing, n, c.cost(times(func() { cmem.Scavenge() })))
	calls.add("thread start to end", n, rate(samples, func() float64 {
		const threads = 10
		start := time.Now()
		err = errors.Join(err, churn(threads))
		return since(start) / threads
	}))
	return err
}
