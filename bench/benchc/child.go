package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/gocmem/cmem/internal/ending"
)

// A sample is one round, as the measured program tells it.
type sample struct {
	Ops     int     `json:"ops"`
	NS      float64 `json:"ns"`
	CPUNS   float64 `json:"cpu_ns"`
	Faults  float64 `json:"faults"`   // page faults that needed no disk
	RSS     float64 `json:"rss"`      // bytes after the round
	PeakRSS float64 `json:"peak_rss"` // bytes, since the process started
}

// A child is a measured process.
type child struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
	errs    bytes.Buffer
	library string // where malloc comes from
}

// startChild starts the program for a workload. Of the environment it gets no more than it needs, so that the
// allocators are as they come.
func startChild(program string, s *subject, args []string) (*child, error) {
	c := &child{cmd: exec.Command(program, append([]string{s.api}, args...)...)}
	c.cmd.Env = []string{"LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH")}
	if s.preload != "" {
		c.cmd.Env = append(c.cmd.Env, "LD_PRELOAD="+s.preload)
	}
	c.cmd.Stderr = &c.errs
	ending.Bind(c.cmd)
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not there: make bench-c builds it", program)
	} else if err != nil {
		return nil, err
	}
	c.in, c.out = in, json.NewDecoder(out)
	var hello struct{ Malloc string }
	if err := c.out.Decode(&hello); err != nil {
		return nil, c.died(err)
	}
	c.library = hello.Malloc
	return c, nil
}

// round has it run so many operations.
func (c *child) round(ops int) (s sample, err error) {
	if _, err := fmt.Fprintln(c.in, ops); err != nil {
		return s, c.died(err)
	}
	if err := c.out.Decode(&s); err != nil {
		return s, c.died(err)
	}
	if s.Ops < ops || s.NS <= 0 {
		return s, fmt.Errorf("%s: told to run %d operations, it answered %+v", c, ops, s)
	}
	return s, nil
}

// count finds how many operations take about d.
func (c *child) count(d time.Duration) (int, error) {
	for n := 1; ; n *= 2 {
		s, err := c.round(n)
		if err != nil {
			return 0, err
		}
		if s.NS >= float64(d)/4 {
			return max(int(float64(s.Ops)*float64(d)/s.NS), 1), nil
		}
	}
}

// stop has it end.
func (c *child) stop() error {
	c.in.Close()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", c, err, strings.TrimSpace(c.errs.String()))
	}
	return nil
}

// died is why it does not answer.
func (c *child) died(err error) error {
	if stopped := c.stop(); stopped != nil {
		return stopped
	}
	return fmt.Errorf("%s: no answer: %w", c, err)
}

func (c *child) String() string { return strings.Join(append(c.cmd.Env[1:], c.cmd.Args...), " ") }
