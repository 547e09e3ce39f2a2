//go:build !race && !asan

package cmem

const slowBuild = false
