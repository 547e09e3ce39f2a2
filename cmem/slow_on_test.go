//go:build race || asan

package cmem

// slowBuild tells that every access is instrumented: tests do less.
const slowBuild = true
