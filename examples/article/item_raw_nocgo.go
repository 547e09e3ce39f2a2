//go:build !cgo

package main

import (
	"fmt"
	"io"
)

func showRaw(out io.Writer) { fmt.Fprintln(out, "  needs cgo") }
