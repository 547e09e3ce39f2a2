//go:build asan || msan

package cmem

// toolBuild tells that a tool watches the memory: no P and no thread has a cache.
const toolBuild = true
