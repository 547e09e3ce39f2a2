//go:build !cgo

package proxy

func init() { withCgo = false }
