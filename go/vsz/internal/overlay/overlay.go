// Package overlay has the source files that are compiled into a program beside its own: cmem/lean, and threads that do
// nothing but exist. They are put there by go build's -overlay, so the program's folder stays as it is.
package overlay

import (
	"embed"
	"fmt"

	leansource "github.com/gocmem/cmem/cmem/lean/source"
)

// C sources lie in a folder without Go files, so that the go command does not take them for this package's.
//
//go:embed sources
var sources embed.FS

// prefix is what the files' names begin with: it sorts them last, so that they are initialized last.
const prefix = "zz_cmem_vsz_"

// Lean returns cmem/lean as files of a package main, by name.
func Lean() map[string]string {
	return map[string]string{
		prefix + "lean.go": "package main\n\n// #cgo CFLAGS: -std=gnu11 -O2\n// #cgo LDFLAGS: -lpthread\nimport \"C\"\n",
		prefix + "lean.c":  leansource.C,
	}
}

// A Load is what the threads do.
type Load int

const (
	BlockInC   Load = iota // block in C
	HoldMalloc             // take 64 KiB from malloc and block in C
	HoldCmem               // take 64 KiB from cmem and block in a system call
	BlockInGo              // block in a system call
)

// held is what a thread takes.
const held = 64 << 10

// Threads returns files of a package main that start n threads and wait, before main begins, until all are blocked.
func Threads(l Load, n int) map[string]string {
	malloc := 0
	block := "block_c.go.txt"
	switch l {
	case HoldMalloc:
		malloc = held
	case HoldCmem:
		block = "block_cmem.go.txt"
	case BlockInGo:
		block = "block_go.go.txt"
	}
	files := map[string]string{
		prefix + "threads.go": source("threads.go.txt") + fmt.Sprintf(sizes, n, malloc, held),
		prefix + "block.go":   source(block),
	}
	if l == BlockInC || l == HoldMalloc {
		files[prefix+"block.c"] = source("block.c")
	}
	return files
}

const sizes = `
const (
	vszThreads = %d
	vszMalloc  = %d // bytes of malloc that a C thread takes
	vszHeld    = %d // bytes of cmem that a thread takes
)
`

// source is an embedded file, which there must be.
func source(name string) string {
	text, err := sources.ReadFile("sources/" + name)
	if err != nil {
		panic(err)
	}
	return string(text)
}
