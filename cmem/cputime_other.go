//go:build !linux

package cmem

import "time"

// cpuTime is only the time: here blocks are Go memory, whose collections cost what Go allows.
func cpuTime() time.Duration { return monotonic() }
