//go:build !asan && !msan

package cmem

const toolBuild = false
