//go:build linux

// Package study builds the variants of a program, runs each and puts the rows beside each other.
package study

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gocmem/cmem/go/vsz"
)

// A Config says what to study.
type Config struct {
	Package  string // as vsz.Workspace.Build takes it
	Variants []vsz.Variant
	Loads    []vsz.Load // each variant is measured with each; the zero Load is without. None at all: without
	Lean     bool       // measure each variant that has cgo with cmem/lean too
	Measure  vsz.MeasureConfig
	Runs     int  // of each variant; at least 1
	WhatIf   bool // turn vsz.Knobs on one variant

	// Progress is told what is being done; nil: nobody is.
	Progress func(doing string)
}

// A Result is what a study found. Its JSON is that of vsz.Report with what follows.
type Result struct {
	vsz.Report
	Runs        int              `json:"runs"`              // of each variant; a row is the run nearest to the medians
	Differences []vsz.Difference `json:"differences"`       // of the other rows that were measured from the first
	WhatIf      *WhatIf          `json:"what_if,omitempty"` // nil where it was not asked for

	// Failures are the errors of variants that can be built and run, and were not: a broken program, not one that
	// has no such variant. The rows of both have Failed set.
	Failures []error `json:"-"`
}

// A WhatIf is a variant run with other settings.
type WhatIf struct {
	Variant string `json:"variant"` // its name
	// with each setting: at least three, for fewer do not tell an effect from chance
	Runs    int               `json:"runs"`
	Without vsz.VariantReport `json:"without"` // with none of the settings
	Knobs   []KnobRow         `json:"knobs"`
}

// minWhatIfRuns is the least that WhatIf.Runs is.
const minWhatIfRuns = 3

// A KnobRow is one setting's effect.
type KnobRow struct {
	Knob  string            `json:"knob"` // "MALLOC_ARENA_MAX=1"
	About string            `json:"about"`
	Row   vsz.VariantReport `json:"row"`
}

// A study is one that is under way.
type study struct {
	cfg    Config
	ws     *vsz.Workspace
	built  []build
	result *Result
}

// build is a variant and what became of it.
type build struct {
	variant vsz.Variant
	program *vsz.Program
	err     error
}

// Run builds all variants, then runs them one after another. The error says that nothing could be measured: it is that
// of the first variant which is possible, or ctx's cause.
//
// When the first program that is run fails, the others are not run: most likely they fail too, each after its timeout.
func Run(ctx context.Context, cfg Config) (result *Result, err error) {
	ws, err := vsz.NewWorkspace()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ws.Close()) }()
	s := &study{cfg: cfg, ws: ws, result: &Result{Runs: cfg.Runs, Differences: []vsz.Difference{}}}
	for _, step := range []func(context.Context) error{s.build, s.measure, s.whatIf} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	first, rest := s.result.Measured()
	for _, row := range rest {
		s.result.Differences = append(s.result.Differences, vsz.Why(first, row))
	}
	return s.result, nil
}

// Measured returns the rows that have figures: the first, with which the others are compared, and those.
func (r *Result) Measured() (first *vsz.VariantReport, rest []*vsz.VariantReport) {
	for i := range r.Variants {
		row := &r.Variants[i]
		switch {
		case row.Failed != "":
		case first == nil:
			first = row
		default:
			rest = append(rest, row)
		}
	}
	return first, rest
}

func (s *study) progress(format string, args ...any) {
	if s.cfg.Progress != nil {
		s.cfg.Progress(fmt.Sprintf(format, args...))
	}
}

// build builds all variants.
func (s *study) build(ctx context.Context) error {
	wanted := s.plan()
	found := false
	for i, v := range wanted {
		s.progress("building %d of %d: %s", i+1, len(wanted), v.Name)
		b := build{variant: v, err: s.checkLean(v)}
		if b.err == nil {
			b.program, b.err = s.ws.Build(ctx, s.cfg.Package, v)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if b.err == nil && !found {
			found = true
			s.result.Report = vsz.NewReport(b.program)
		}
		s.built = append(s.built, b)
	}
	if !found {
		return s.buildError()
	}
	return nil
}

// plan lists the variants with their loads, and with lean.
func (s *study) plan() []vsz.Variant {
	loads := s.cfg.Loads
	if len(loads) == 0 {
		loads = []vsz.Load{{}}
	}
	var all []vsz.Variant
	for _, l := range loads {
		for _, v := range s.cfg.Variants {
			all = append(all, v.WithLoad(l))
			if lean := v.WithLean(); s.cfg.Lean && !v.Lean && lean.Check() == nil {
				all = append(all, lean.WithLoad(l))
			}
		}
	}
	return all
}

// checkLean refuses lean for a program that has no cgo, into which it would only bring that. The same variant without
// lean was built before.
func (s *study) checkLean(v vsz.Variant) error {
	if !s.cfg.Lean || !v.Lean {
		return nil
	}
	without := strings.Replace(v.Name, leanSuffix, "", 1)
	for _, b := range s.built {
		if b.variant.Name == without && b.err == nil && !b.program.LinksC {
			return &vsz.ImpossibleError{Variant: v.Name, Reason: without +
				" has no cgo in it, so there is nothing for cmem/lean to do"}
		}
	}
	return nil
}

// leanSuffix is what vsz.Variant.WithLean adds to a name.
var leanSuffix = vsz.Variant{}.WithLean().Name

// buildError is for variants none of which could be built. One that is impossible says less than one that failed.
func (s *study) buildError() error {
	var all []error
	for _, b := range s.built {
		if !impossible(b.err) {
			return b.err
		}
		all = append(all, b.err)
	}
	return errors.Join(all...)
}

func impossible(err error) bool {
	var i *vsz.ImpossibleError
	return errors.As(err, &i)
}

// measure runs what was built, in its order.
func (s *study) measure(ctx context.Context) error {
	first := true
	for i, b := range s.built {
		if b.err != nil {
			s.addFailed(b.variant, b.err)
			continue
		}
		row, err := s.runs(ctx, b.program, s.cfg.Measure, s.cfg.Runs,
			fmt.Sprintf("measuring %d of %d: %s", i+1, len(s.built), b.variant.Name))
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && first:
			return err
		case err != nil:
			s.addFailed(b.variant, err)
		default:
			s.result.Variants = append(s.result.Variants, *row)
		}
		first = false
	}
	return nil
}

// addFailed adds a variant's row without figures.
func (s *study) addFailed(v vsz.Variant, err error) {
	s.result.Variants = append(s.result.Variants, vsz.FailedVariant(v, err))
	if !impossible(err) {
		s.result.Failures = append(s.result.Failures, err)
	}
}

// runs runs a program several times and returns the row of the typical run.
func (s *study) runs(ctx context.Context, p *vsz.Program, cfg vsz.MeasureConfig, n int,
	doing string) (*vsz.VariantReport, error) {
	var rows []*vsz.VariantReport
	for i := range n {
		s.progress("%s (run %d of %d)", doing, i+1, n)
		row, err := p.Measure(ctx, cfg)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
		cfg.Syscalls, cfg.Resolver = false, false // each takes a run more, and once is enough
	}
	return typical(rows), nil
}

// whatIf turns the knobs on the first row with cgo in it, for most of them are C's, or else on the first.
func (s *study) whatIf(ctx context.Context) error {
	if !s.cfg.WhatIf {
		return nil
	}
	var chosen *vsz.Program
	w := &WhatIf{Runs: max(s.cfg.Runs, minWhatIfRuns)}
	for i, b := range s.built {
		if s.result.Variants[i].Failed == "" && (chosen == nil || b.program.LinksC && !chosen.LinksC) {
			chosen, w.Without = b.program, s.result.Variants[i]
		}
	}
	w.Variant = chosen.Variant.Name
	cfg := s.cfg.Measure
	cfg.Syscalls, cfg.Resolver = false, false
	if w.Runs > s.cfg.Runs {
		row, err := s.runs(ctx, chosen, cfg, w.Runs, fmt.Sprintf("what if: %s without any setting", w.Variant))
		if err != nil {
			return err
		}
		w.Without = *row
	}
	knobs := vsz.Knobs()
	for i, k := range knobs {
		turned := cfg
		turned.Run = cfg.Run.With(k)
		row, err := s.runs(ctx, chosen, turned, w.Runs,
			fmt.Sprintf("what if, %d of %d: %s with %s", i+1, len(knobs), w.Variant, k.Name))
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			failed := vsz.FailedVariant(chosen.Variant, err)
			row = &failed
			s.result.Failures = append(s.result.Failures, fmt.Errorf("with %s: %w", k.Name, err))
		}
		w.Knobs = append(w.Knobs, KnobRow{k.Name, k.About, *row})
	}
	s.result.WhatIf = w
	return nil
}
