package cmem

import (
	"time"
	_ "unsafe" // for go:linkname
)

// monotonic is the time on the monotonic clock. That of package time stands still in a
// testing/synctest bubble, and what is reckoned from one bubble to the next, or from inside to
// outside, is nonsense.
func monotonic() time.Duration { return time.Duration(nanotime()) }

//go:linkname nanotime runtime.nanotime
func nanotime() int64
