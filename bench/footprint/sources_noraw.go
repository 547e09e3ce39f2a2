//go:build !cgo

package main

const haveRaw = false

func newRaw() (source, error) { return nil, errNoRaw }
