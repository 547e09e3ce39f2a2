//go:build !(cgo && linux && (amd64 || arm64 || riscv64))

package main

func libcmemVersion() string { return "none" }
