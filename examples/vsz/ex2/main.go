// Command ex2 logs every ten seconds what memory the Go runtime has: a program without C and without package net.
package main

import (
	"fmt"
	"log"
	"runtime"
	"time"
)

func main() {
	fmt.Println("ready")
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		log.Printf("Sys %.2f MiB, HeapAlloc %.2f MiB", float64(m.Sys)/(1<<20), float64(m.HeapAlloc)/(1<<20))
		time.Sleep(10 * time.Second)
	}
}
