//go:build !race && !asan && !msan

package cmem

const slowBuild = false
