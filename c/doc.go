// Package c is libcmem, the C library below package cmem, as a Go package: its .c files are
// compiled by go build and travel with the module. Go programs use package cmem; C and cgo code
// includes cmem.h.
//
// A cgo file that calls cmem_alloc and its kin imports this package (or package cmem) and is
// compiled with this directory on the include path: CGO_CFLAGS="-O2 -g -I$(go list -f '{{.Dir}}'
// github.com/gocmem/cmem/c)".
package c
