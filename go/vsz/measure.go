package vsz

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A MeasureConfig is how a program is run and measured.
type MeasureConfig struct {
	Run      RunConfig
	Settle   time.Duration // from ready to the reading; 0 is DefaultSettle
	Syscalls bool          // run it once more under strace and count the system calls that make mappings
	Resolver bool          // run it once more with GODEBUG=netdns=1 and read which resolver it uses
}

// DefaultSettle lets the runtime's threads start and its first scavenge end.
const DefaultSettle = 1200 * time.Millisecond

// Measure starts the program, waits for it to be ready and to settle, reads and explains its memory, and stops it.
// The row says by itself why it has no syscalls where they were asked for; such is no error. Errors are those of Start
// and Explain.
func (p *Program) Measure(ctx context.Context, cfg MeasureConfig) (*VariantReport, error) {
	row := NewVariantReport(p.Variant)
	row.build(p)
	row.RunEnv, row.StackLimit = slices.Concat(p.Variant.RunEnv, cfg.Run.Env), cfg.Run.StackLimit
	if err := p.measure(ctx, cfg, &row); err != nil {
		return nil, err
	}
	row.Resolver, row.ResolverBy = p.linkedResolver(p.runEnv(cfg.Run))
	if cfg.Resolver {
		if err := p.askResolver(ctx, cfg.Run, &row); err != nil {
			return nil, err
		}
	}
	if cfg.Syscalls {
		var err error
		if row.Syscalls, row.NoSyscalls, err = p.countSyscalls(ctx, cfg.Run); err != nil {
			return nil, err
		}
	}
	return &row, nil
}

// measure fills in what one run of the program tells.
func (p *Program) measure(ctx context.Context, cfg MeasureConfig, row *VariantReport) error {
	proc, err := p.Start(ctx, cfg.Run)
	if err != nil {
		return err
	}
	defer proc.Stop()
	settle := cfg.Settle
	if settle == 0 {
		settle = DefaultSettle
	}
	if proc.runsFor(ctx, settle) {
		var e *Explanation
		if e, err = Explain(proc.PID()); err == nil {
			row.StartupMS = float64(proc.Startup().Microseconds()) / 1000
			row.Usage, row.Kinds, row.StackKiB = e.Usage, e.Kinds, e.StackKiB
			row.VSZRangeKiB, row.RSSRangeKiB = [2]uint64{row.VSZKiB, row.VSZKiB}, [2]uint64{row.RSSKiB, row.RSSKiB}
			return nil
		}
	}
	select {
	case <-proc.Done():
		if ctx.Err() == nil {
			return p.runError(proc, fmt.Sprintf("ended before it was measured, %v after it was ready: %s", settle, proc.exit()))
		}
	default:
	}
	return cancelled(ctx, err)
}

// A Knob is a setting that changes what a program costs without a new build.
type Knob struct {
	Name       string // "MALLOC_ARENA_MAX=1"
	About      string
	Env        []string
	StackLimit string // as in RunConfig
}

// Knobs returns those that are said to matter, also the ones that turn out not to.
func Knobs() []Knob {
	return []Knob{
		{Name: "MALLOC_ARENA_MAX=1", About: "glibc's malloc has one arena for all threads",
			Env: []string{"MALLOC_ARENA_MAX=1"}},
		{Name: "MALLOC_ARENA_MAX=2", About: "glibc's malloc has two arenas for all threads",
			Env: []string{"MALLOC_ARENA_MAX=2"}},
		{Name: "ulimit -s 1024", About: "threads of C have stacks of 1 MiB", StackLimit: "1024"},
		{Name: "GOMAXPROCS=1", About: "Go code runs on one thread at a time", Env: []string{"GOMAXPROCS=1"}},
		{Name: "GODEBUG=netdns=go", About: "names are resolved by Go; libc stays linked", Env: []string{"GODEBUG=netdns=go"}},
		{Name: "GOGC=50", About: "the Go heap grows by half of what is live", Env: []string{"GOGC=50"}},
	}
}

// With returns the configuration with the knob turned.
func (c RunConfig) With(k Knob) RunConfig {
	c.Env = slices.Concat(c.Env, k.Env)
	if k.StackLimit != "" {
		c.StackLimit = k.StackLimit
	}
	return c
}
