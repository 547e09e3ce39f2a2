package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gocmem/cmem/examples/recycle/modes"
	"github.com/gocmem/cmem/internal/ending"
)

// runOne runs the only mode in this process, and writes its CSV, its chart and its line of the
// table: that goes to stderr where the CSV goes to stdout.
func runOne(ctx context.Context, c *config, stdout, stderr io.Writer) (err error) {
	csv, text := stdout, stderr
	if c.csv != stdoutName {
		file, err := create(c.csv)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		csv, text = file, stdout
	}
	name := c.modes[0]
	samples, err := measure(ctx, c, name, csv)
	if err != nil {
		return err
	}
	if err := drawMode(c.svg, c, name, samples); err != nil {
		return err
	}
	_, err = fmt.Fprintf(text, "%s\n\n%s\nwritten: %s, %s\n", describe(c), table([]row{summarize(name, samples)}), c.csv,
		c.svg)
	return err
}

// create creates a file, and its directory.
func create(name string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return nil, err
	}
	return os.Create(name)
}

// measure runs a mode in this process, writes the samples to csv and returns them. They are kept,
// not read back, for csv may be a pipe.
func measure(ctx context.Context, c *config, name string, csv io.Writer) ([]sample, error) {
	out, err := newSampleWriter(csv)
	if err != nil {
		return nil, err
	}
	ownSizes := rand.New(rand.NewPCG(c.seed, ^uint64(0))) // apart from the phases' sequences
	mode, err := modes.New(name, modes.Config{Age: c.age, Size: func() int { return randomSize(ownSizes) }})
	if err != nil {
		return nil, err
	}
	m, err := newMeter()
	if err != nil {
		return nil, err
	}
	var samples []sample
	p := newProgress(name, c.length())
	defer p.done()
	d := &driver{mode: mode, seed: c.seed, sample: func(d *driver) error {
		s, err := m.read(d)
		if err != nil {
			return err
		}
		p.show(s)
		samples = append(samples, *s)
		return out.write(s)
	}}
	return samples, d.run(ctx, c.phases())
}

// runAll runs each mode in a child process, one after another, and then draws all of them side by side and writes the
// table.
func runAll(ctx context.Context, c *config, stdout io.Writer) error {
	if err := os.MkdirAll(c.out, 0o777); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d modes, %v each: about %v\n", len(c.modes), c.length(),
		(time.Duration(len(c.modes)) * c.length()).Round(time.Second))
	results := make([]result, len(c.modes))
	rows := make([]row, len(c.modes))
	for i, name := range c.modes {
		samples, err := runChild(ctx, program, c, name)
		if err != nil {
			return fmt.Errorf("mode %s: %w", name, err)
		}
		rows[i] = summarize(name, samples)
		results[i] = result{rows[i], samples}
	}
	if err := drawAll(c.file("all.svg"), c, results); err != nil {
		return err
	}
	text := fmt.Sprintf("%s\n\n%s", describe(c), table(rows))
	if err := os.WriteFile(c.file("summary.md"), []byte(text), 0o666); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s\nwritten: MODE.csv, MODE.svg, all.svg and summary.md in %s\n", text, c.out)
	return nil
}

// runChild runs a mode in a process of its own, as a run of this program with that mode alone, and returns its samples.
func runChild(ctx context.Context, program string, c *config, name string) ([]sample, error) {
	csv := c.file(name + ".csv")
	args := append([]string{"-mode=" + name, "-csv=" + csv, "-svg=" + c.file(name+".svg")}, c.set...)
	cmd := exec.CommandContext(ctx, program, args...) // killed when ctx is done
	cmd.Stderr = os.Stderr                            // its progress
	// Should this process be killed so that it cannot kill the child, the kernel does.
	ending.Bind(cmd)
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return readSampleFile(csv)
}
