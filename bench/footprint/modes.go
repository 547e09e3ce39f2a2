package main

import (
	"fmt"
	"sync"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// Modes of the loads that compare sources.
const (
	modeMake     = "make"
	modePool     = "pool"
	modeRaw      = "raw"
	modeArena    = "raw1" // raw with one arena for all threads
	modeJemalloc = "jemalloc"
	modeCmem     = "cmem"
)

var bufferModes = []string{modeMake, modePool, modeRaw, modeArena, modeJemalloc, modeCmem}

const jemallocLibrary = "libjemalloc.so.2"

// modeEnv is what a mode adds to the environment of the measured process.
func modeEnv(mode string) []string {
	switch mode {
	case modeArena:
		return []string{"MALLOC_ARENA_MAX=1"}
	case modeJemalloc:
		return []string{"LD_PRELOAD=" + jemallocLibrary}
	}
	return nil
}

// lacks says why a mode cannot be measured here; nil where it can.
func lacks(mode string) error {
	switch mode {
	case modeRaw, modeArena, modeJemalloc:
		if !haveRaw {
			return fmt.Errorf("mode %s is C's malloc: it needs a build with cgo (CGO_ENABLED=1)", mode)
		}
	}
	if mode == modeJemalloc {
		return jemallocHere()
	}
	return nil
}

// jemallocHere tries, in a process that does nothing else: only the dynamic linker knows where it looks.
var jemallocHere = sync.OnceValue(func() error {
	if _, err := spawn(&load{}, order{Mode: modeJemalloc, Procs: 1}, nil); err != nil {
		return fmt.Errorf("mode %s: %s cannot be preloaded (Debian: apt-get install libjemalloc2)", modeJemalloc,
			jemallocLibrary)
	}
	return nil
})

// checkMode checks that this process is what the mode wants.
func checkMode(mode string) error {
	if mode != modeJemalloc {
		return nil
	}
	return bench.CheckPreloaded(jemallocLibrary)
}
