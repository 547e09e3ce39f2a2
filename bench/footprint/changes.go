package main

import (
	"runtime"
	"sync"
	"time"
)

// changesEvery is how long GOMAXPROCS stays one of changesTo, where it changes.
const changesEvery = 200 * time.Millisecond

var changesTo = []int{1, 2, 4, 8}

// changeProcs changes GOMAXPROCS until the function that it returns is called, which sets it to what it was.
func changeProcs() (end func()) {
	before, quit, done := runtime.GOMAXPROCS(0), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(changesEvery)
		defer tick.Stop()
		for i := 0; ; i++ {
			runtime.GOMAXPROCS(changesTo[i%len(changesTo)])
			select {
			case <-tick.C:
			case <-quit:
				runtime.GOMAXPROCS(before)
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(quit)
		<-done
	})
}
