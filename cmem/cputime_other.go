//go:build !linux

package cmem

import "time"

// cpuTime is the time: a process of one busy thread uses as much.
func cpuTime() time.Duration { return monotonic() }
