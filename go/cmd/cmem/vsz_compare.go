//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/growth"
	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
)

// statusGrown is the exit status where something has grown past its bound.
const statusGrown = 1

// readOld reads the earlier study; nil where there is none to compare with.
func (o *vszOptions) readOld() (*study.Result, error) {
	if o.old == "" {
		return nil, nil
	}
	text, err := os.ReadFile(o.old)
	if err != nil {
		return nil, fmt.Errorf("--compare: %w", err)
	}
	old := new(study.Result)
	if err := json.Unmarshal(text, old); err != nil {
		return nil, fmt.Errorf("--compare %s: expected what --json wrote: %w", o.old, err)
	}
	if old.Program == "" || len(old.Variants) == 0 {
		return nil, fmt.Errorf("--compare %s: expected what --json wrote, with a program and its variants", o.old)
	}
	return old, nil
}

// compare says what has grown. Notes go to out.
func (o *vszOptions) compare(out io.Writer, old, now *study.Result) error {
	if old.Program != now.Program {
		return fmt.Errorf("--compare %s is of %s, and this is %s", o.old, old.Program, now.Program)
	}
	for _, m := range []struct{ what, old, now string }{
		{"Go", old.Go, now.Go}, {"kernel", old.Kernel, now.Kernel}, {"CPUs", fmt.Sprint(old.CPUs), fmt.Sprint(now.CPUs)},
	} {
		if m.old != m.now {
			fmt.Fprintf(out, "note: %s was made with another %s: %s, now %s\n", o.old, m.what, m.old, m.now)
		}
	}
	c := growth.Compare(&old.Report, &now.Report, o.bounds)
	if len(c.Lost) > 0 {
		return fmt.Errorf("--compare %s has figures of what fails now: %s", o.old, strings.Join(c.Lost, "; "))
	}
	if len(c.Compared) == 0 {
		return fmt.Errorf("--compare %s has none of the variants that were measured now", o.old)
	}
	if len(c.Left) > 0 {
		fmt.Fprintf(out, "note: measured only then or only now, so not compared: %s\n", strings.Join(c.Left, ", "))
	}
	if len(c.Grown) == 0 {
		fmt.Fprintf(out, "nothing has grown past its bound (VSZ %s, RSS %s) since %s: %s\n", o.bounds.VSZ.String(),
			o.bounds.RSS.String(), o.old, strings.Join(c.Compared, ", "))
		return nil
	}
	lines := []string{"grown since " + o.old}
	for i := range c.Grown {
		lines = append(lines, "  "+c.Grown[i].String(), "    "+c.Grown[i].Why.String())
	}
	return statusError{fmt.Errorf("%s", strings.Join(lines, "\n")), statusGrown}
}
