//go:build cgo && linux && (amd64 || arm64 || riscv64)

package main

import "github.com/gocmem/cmem/c"

func libcmemVersion() string { return c.Version() }
