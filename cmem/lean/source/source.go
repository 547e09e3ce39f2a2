// Package source is the C source of package lean, for who compiles it into a program in another way
// than by importing lean.
package source

import _ "embed"

// C is that source: a file of its own, which needs nothing but glibc's headers.
//
//go:embed lean.h
var C string
