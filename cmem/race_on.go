//go:build race

package cmem

import (
	"runtime"
	"unsafe"
)

const raceEnabled = true

// wrote tells the race detector of a write to all of mem.
func wrote(mem []byte) {
	runtime.RaceWriteRange(unsafe.Pointer(unsafe.SliceData(mem)), len(mem))
}
