//go:build race || asan || msan || !cgo

package buf

// instrumented: whether the build is slow, and allocates where others do not.
const instrumented = true
