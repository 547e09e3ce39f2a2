//go:build !cgo

package main

import "errors"

const haveRaw = false

func newRaw() (source, error) { return nil, errors.New("no cgo, no C.malloc") }
