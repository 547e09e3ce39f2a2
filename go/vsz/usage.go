package vsz

import (
	"errors"

	"github.com/prometheus/procfs"
)

// Usage is a process's memory as the kernel counts it.
type Usage struct {
	VSZKiB     uint64 `json:"vsz_kib"`      // VmSize
	VSZPeakKiB uint64 `json:"vsz_peak_kib"` // VmPeak
	// resident, from a walk of the page tables; ps shows a count that may lag a little
	RSSKiB      uint64 `json:"rss_kib"`
	PSSKiB      uint64 `json:"pss_kib"` // the same, shared pages divided among those who share them
	PTEKiB      uint64 `json:"pte_kib"` // page tables: in none of the others
	Threads     int    `json:"threads"`
	Mappings    int    `json:"mappings"` // [vsyscall], which is in no process's VmSize, is not counted
	MinorFaults uint64 `json:"minor_faults"`
	MajorFaults uint64 `json:"major_faults"`
}

// Measure reads a process's memory, without explaining it. It needs the same rights as [Explain].
func Measure(pid int) (Usage, error) {
	p, err := readProcess(pid)
	if err != nil {
		return Usage{}, err
	}
	return p.usage, nil
}

// readUsage reads what smaps does not tell.
func readUsage(proc procfs.Proc) (Usage, error) {
	status, err := proc.NewStatus()
	if err != nil {
		return Usage{}, err
	}
	if status.VmSize == 0 {
		return Usage{}, errors.New("it has no memory: it has ended, or is a thread of the kernel")
	}
	stat, err := proc.Stat()
	if err != nil {
		return Usage{}, err
	}
	rollup, err := proc.ProcSMapsRollup()
	if err != nil {
		return Usage{}, err
	}
	return Usage{
		VSZKiB:      status.VmSize >> 10,
		VSZPeakKiB:  status.VmPeak >> 10,
		PSSKiB:      rollup.Pss >> 10,
		PTEKiB:      status.VmPTE >> 10,
		Threads:     stat.NumThreads,
		MinorFaults: uint64(stat.MinFlt),
		MajorFaults: uint64(stat.MajFlt),
	}, nil
}
