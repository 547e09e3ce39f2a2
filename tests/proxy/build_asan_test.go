//go:build asan

package proxy

func init() { buildFlags = append(buildFlags, "-asan") }
