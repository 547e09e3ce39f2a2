//go:build linux

package study

import (
	"context"
	"errors"
	"fmt"

	"github.com/gocmem/cmem/go/vsz"
)

// A Traced is a variant of a program, and its system calls until it was ready.
type Traced struct {
	Package string // as the configuration has it
	Variant string
	Threads []vsz.TracedThread
}

// Trace builds two variants, each of its package (as vsz.Workspace.Build takes it), and runs either
// under strace. Of cfg it takes how a program is run, and whom to tell.
func Trace(ctx context.Context, cfg Config, packages [2]string, variants [2]vsz.Variant) (sides [2]Traced, err error) {
	ws, err := vsz.NewWorkspace()
	if err != nil {
		return sides, err
	}
	defer func() { err = errors.Join(err, ws.Close()) }()
	s := &study{cfg: cfg, ws: ws}
	for i, v := range variants {
		name := v.Name + " of " + packages[i]
		s.progress("building %s", name)
		p, err := ws.Build(ctx, packages[i], v)
		if err != nil {
			return sides, err
		}
		s.progress("tracing %s", name)
		threads, err := p.Trace(ctx, cfg.Measure.Run)
		if err != nil {
			return sides, fmt.Errorf("tracing %s: %w", name, err)
		}
		sides[i] = Traced{packages[i], v.Name, threads}
	}
	return sides, nil
}
