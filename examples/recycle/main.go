// Command recycle runs the experiment of John Graham-Cumming's article "Recycling memory buffers in Go" (CloudFlare,
// 2013) on today's Go: a few large buffers are held, random ones replaced by new ones, and the memory is watched. It
// does so with each of several ways to come by a buffer (see -help), the article's three and what
// there is today, through steady traffic, a burst, traffic again, and silence.
//
// Each mode runs in a process of its own, one after another, on the same random sequence. The
// results are a CSV and an SVG for each mode, all.svg, and a table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/gocmem/cmem/internal/ending"
)

// Exit statuses.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := ending.Context()
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parseFlags(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "recycle: %v\nrecycle: -help lists the flags\n", err)
		return exitUsage
	}
	if len(c.modes) == 1 {
		err = runOne(ctx, c, stdout, stderr)
	} else {
		err = runAll(ctx, c, stdout)
	}
	if err := ending.Cause(ctx, err); err != nil {
		fmt.Fprintf(stderr, "recycle: %v\n", err)
		return ending.Status(err, exitFailed)
	}
	return 0
}
