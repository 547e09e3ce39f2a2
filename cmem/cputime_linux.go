package cmem

import (
	"syscall"
	"time"
)

// cpuTime is the CPU time that the process has used; where the system does not tell, the time.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return monotonic()
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
