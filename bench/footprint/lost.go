package main

import (
	"fmt"
	"runtime"

	"github.com/gocmem/cmem/cmem"
)

var lostLoad = &load{
	name: "lost",
	about: fmt.Sprintf("%.0f GB of buffers of 100 KiB, one after the other, each touched and then lost: never freed",
		lostBytes/1e9),
	modes:   []string{"make", "cmem"},
	runs:    1,
	measure: measureLost,
}

const (
	lostBytes = 10e9
	lostSize  = 100 << 10
)

func measureLost(t *trial) error {
	lose := loseSlice
	if t.Mode == "cmem" {
		lose = loseHandle
	}
	total := lostBytes
	if t.Quick {
		total /= 20
	}
	before := readResources()
	for n := 0.0; n < total; n += lostSize {
		lose()
	}
	after := readResources()
	s, err := status()
	if err != nil {
		return err
	}
	var gc runtime.MemStats
	runtime.ReadMemStats(&gc)
	wall, cpu := after.wall-before.wall, after.cpu-before.cpu
	t.Others = max(0, per((after.machine-before.machine-cpu).Seconds(), wall.Seconds()))
	t.add(megabytes("lost", total), megabytes("peak RSS", float64(s.VmHWM)), megabytes("RSS", float64(s.VmRSS)),
		figure{"CPU", "µs/buffer", cpu.Seconds() * 1e6 / (total / lostSize), 2})
	return nil
}

var lostSlice []byte // keeps the compiler from dropping the buffer unmade

func loseSlice() {
	lostSlice = make([]byte, lostSize)
	touch(lostSlice)
}

func loseHandle() {
	h := cmem.New(lostSize)
	touch(h.Bytes())
	runtime.KeepAlive(h)
}

// touch writes to every page of b.
func touch(b []byte) {
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
}
