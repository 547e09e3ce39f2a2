//go:build linux

package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// progress tells on a terminal what is being done, in one line that is written anew each time.
type progress struct {
	out   io.Writer // nil: nobody is told
	wrote bool
}

func newProgress(out io.Writer, quiet bool) *progress {
	f, ok := out.(*os.File)
	if quiet || !ok {
		return new(progress)
	}
	if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err != nil {
		return new(progress)
	}
	return &progress{out: out}
}

// clearLine moves to the line's begin and clears it.
const clearLine = "\r\x1b[K"

func (p *progress) doing(what string) {
	if p.out != nil {
		fmt.Fprint(p.out, clearLine, what)
		p.wrote = true
	}
}

// done clears the line.
func (p *progress) done() {
	if p.wrote {
		fmt.Fprint(p.out, clearLine)
	}
}
