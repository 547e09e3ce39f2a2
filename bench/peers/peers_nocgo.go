//go:build !cgo

package main

const haveCgo = false

// cPeers are none: C's malloc is out of reach, and a program without the dynamic linker preloads nothing.
var cPeers []*peer
