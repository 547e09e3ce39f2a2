package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/gocmem/cmem/cmem"
	"github.com/gocmem/cmem/internal/ending"
)

// childEnv carries the order to the process that is to be measured.
const childEnv = "CMEM_FOOTPRINT_ORDER"

// An order is one measurement: a load in one mode, in a fresh process.
type order struct {
	Load    string        `json:"load"`
	Mode    string        `json:"mode"`
	Threads int           `json:"threads,omitempty"` // for loads that take several numbers of them
	Procs   int           `json:"procs"`
	Run     int           `json:"run"` // from 1
	Seed    uint64        `json:"seed"`
	Warmup  time.Duration `json:"warmup"` // load before the measurement
	Window  time.Duration `json:"window"` // load that is measured
	Watch   time.Duration `json:"watch"`  // silence after the load
	Quick   bool          `json:"quick,omitempty"`
	// Idle is cmem's idle limit, set before the load; nil: the default. Changes: GOMAXPROCS changes during the load.
	Idle    *time.Duration `json:"idle,omitempty"`
	Changes bool           `json:"changes,omitempty"`
	CSV     string         `json:"csv,omitempty"` // file for the series
}

// label is how the order's row is called.
func (o *order) label() string {
	s := o.Mode
	if o.Threads > 0 {
		s += fmt.Sprintf(", %d threads", o.Threads)
	}
	if o.Idle != nil {
		s += fmt.Sprintf(", idle %v", *o.Idle)
	}
	return s
}

// A trial is an order and what came of it.
type trial struct {
	order
	Figures []figure `json:"figures"`
	Cost    *cost    `json:"cost,omitempty"` // where the load has one
	// Others is the CPU time of everything else on the machine during the measurement, in CPUs: they slow this down.
	Others float64 `json:"others"`
	// Where the bytes were during the load: in cmem, by its own statistics, and in the process, by mapping.
	Heap     []figure  `json:"heap,omitempty"`
	Mappings []mapping `json:"mappings,omitempty"`
}

// A figure is one number of a trial.
type figure struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit,omitempty"`
	Value  float64 `json:"value"`
	Digits int     `json:"digits"` // after the point, where it is printed
}

// per is a/b; 0 where b is, as where a run was too short for anything to happen.
func per(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// megabytes is a figure in 10^6 bytes.
func megabytes(name string, bytes float64) figure { return figure{name, "MB", bytes / 1e6, 1} }

func (t *trial) add(f ...figure) { t.Figures = append(t.Figures, f...) }

// figure returns the value of the first figure of this name; 0 where there is none.
func (t *trial) figure(name string) float64 {
	for _, f := range t.Figures {
		if f.Name == name {
			return f.Value
		}
	}
	return 0
}

// childMain obeys an order, and writes the trial.
func childMain(js string, out, errOut io.Writer) int {
	t := new(trial)
	err := json.Unmarshal([]byte(js), &t.order)
	if err == nil {
		err = checkMode(t.Mode)
	}
	if err == nil && t.Load != "" {
		err = t.obey()
	}
	if err == nil {
		err = json.NewEncoder(out).Encode(t)
	}
	if err != nil {
		fmt.Fprintf(errOut, "footprint: %v\n", err)
		return 1
	}
	return 0
}

// obey measures the load.
func (t *trial) obey() error {
	found, err := findLoads([]string{t.Load})
	if err != nil {
		return err
	}
	if t.Idle != nil && t.Mode == modeCmem {
		cmem.SetIdleLimit(*t.Idle)
	}
	return found[0].measure(t)
}

// spawn carries out an order in a fresh process.
func spawn(l *load, o order, errOut io.Writer) (*trial, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	js, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(js), "GOMAXPROCS="+strconv.Itoa(o.Procs))
	cmd.Env = append(append(cmd.Env, l.env...), modeEnv(o.Mode)...)
	cmd.Stdout, cmd.Stderr = &out, errOut
	ending.Bind(cmd)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s in mode %s: %w", o.Load, o.Mode, err)
	}
	t := new(trial)
	if err := json.Unmarshal(out.Bytes(), t); err != nil {
		return nil, fmt.Errorf("%s in mode %s: its result: %w", o.Load, o.Mode, err)
	}
	return t, nil
}
