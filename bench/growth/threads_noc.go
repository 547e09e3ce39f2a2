//go:build !(cgo && linux && (amd64 || arm64 || riscv64) && !race)

package main

import "errors"

// haveC: what is about libcmem is left out.
const haveC = false

var errNoC = errors.New("this build has no libcmem")

func churnedThreads(*config, *result) error { return errNoC }
func idleThreads(*config, *result) error    { return errNoC }
