//go:build race || asan || msan

package cmem

// slowBuild tells that every access is instrumented: tests do less.
const slowBuild = true
