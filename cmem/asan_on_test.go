//go:build asan

package cmem

const asan = true
