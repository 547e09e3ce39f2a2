package main

import (
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// An account is what had been used, of time and of the machine's CPUs, by everybody and by this
// program and its children that have ended; in seconds.
type account struct{ wall, machine, own float64 }

func readAccount() (a account, err error) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return a, err
	}
	stat, err := proc.Stat()
	if err != nil {
		return a, err
	}
	t := stat.CPUTotal
	a.wall = float64(time.Now().UnixNano()) / 1e9
	a.machine = t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ + t.Steal
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var r syscall.Rusage
		if err := syscall.Getrusage(who, &r); err != nil {
			return a, err
		}
		a.own += float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
	}
	return a, nil
}

// othersSince is how many CPUs everything else on the machine has used since then, on average.
func (a account) othersSince(before account) float64 {
	return max(0, (a.machine-before.machine-a.own+before.own)/(a.wall-before.wall))
}
