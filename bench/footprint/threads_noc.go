//go:build !(cgo && linux && (amd64 || arm64 || riscv64))

package main

import "errors"

// cThreadFamily: this build has no C threads.
var cThreadFamily []string

func startCThreads(int, string, uint64) (threads, error) {
	return nil, errors.New("C threads need a build with cgo on Linux")
}
