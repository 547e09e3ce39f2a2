package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// An allocator is a column of the tables.
type allocator struct {
	name      string
	api       string   // what the measured program is to call: "cmem" or "malloc"
	libraries []string // to preload: whichever of them the loader finds
	stem      string   // how the name of the library that malloc comes from begins
	packages  string   // Debian's name
}

func (a *allocator) title() string { return a.name }

var (
	cmem  = &allocator{name: "cmem", api: "cmem", stem: "libc."}
	glibc = &allocator{name: "glibc", api: "malloc", stem: "libc."}

	preloaded = []*allocator{
		{"jemalloc", "malloc", []string{"libjemalloc.so.2"}, "libjemalloc", "libjemalloc2"},
		{"mimalloc", "malloc", []string{"libmimalloc.so.2", "libmimalloc.so.3", "libmimalloc.so"}, "libmimalloc",
			"libmimalloc2.0"},
		{"tcmalloc", "malloc", []string{"libtcmalloc_minimal.so.4", "libtcmalloc.so.4"}, "libtcmalloc",
			"libtcmalloc-minimal4"},
	}
)

// errNotHere: the loader has not found the library.
var errNotHere = errors.New("not here")

// A subject is an allocator that is here.
type subject struct {
	*allocator
	preload string // "" for none
	Library string // where malloc comes from
}

// locate finds out which library to preload, by trying, as only the loader knows where it looks.
func (a *allocator) locate(program string) (*subject, error) {
	tries := a.libraries
	if len(tries) == 0 {
		tries = []string{""}
	}
	var library string
	for _, preload := range tries {
		c, err := startChild(program, &subject{allocator: a, preload: preload}, []string{workloads[0].run})
		if err != nil {
			return nil, err
		}
		library = c.library
		if err := c.stop(); err != nil {
			return nil, err
		}
		if strings.HasPrefix(filepath.Base(library), a.stem) {
			return &subject{a, preload, library}, nil
		}
	}
	if a.packages == "" {
		return nil, fmt.Errorf("%s: malloc comes from %s, expected glibc's; is there an /etc/ld.so.preload?", a.name, library)
	}
	return nil, fmt.Errorf("%s is %w: none of %s (Debian: apt-get install %s)", a.name, errNotHere,
		strings.Join(tries, ", "), a.packages)
}

// The first of the subjects.
const (
	theCmem = iota
	theGlibc
)

// present returns the allocators that are here, cmem and glibc first, and a note on each of the others.
func present(cfg *config) (here []*subject, notes []string, err error) {
	for _, a := range append([]*allocator{cmem, glibc}, cfg.peers...) {
		s, err := a.locate(cfg.program)
		switch {
		case errors.Is(err, errNotHere):
			notes = append(notes, err.Error())
		case err != nil:
			return nil, nil, err
		default:
			here = append(here, s)
		}
	}
	return here, notes, nil
}
