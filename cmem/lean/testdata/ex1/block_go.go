//go:build !cgo

package main

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// init blocks BLOCK threads in system calls.
func init() {
	n, _ := strconv.Atoi(os.Getenv("BLOCK"))
	var blocked atomic.Int64
	for range n {
		go func() {
			blocked.Add(1)
			for {
				syscall.Nanosleep(&syscall.Timespec{Sec: 1000}, nil)
			}
		}()
	}
	for blocked.Load() < int64(n) {
		time.Sleep(time.Millisecond)
	}
}
