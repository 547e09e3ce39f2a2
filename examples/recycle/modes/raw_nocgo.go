//go:build !cgo

package modes

// newRaw is missing: C.malloc needs cgo.
var newRaw func(Config) Mode
