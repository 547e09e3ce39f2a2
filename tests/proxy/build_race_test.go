//go:build race

package proxy

func init() { buildFlags = append(buildFlags, "-race") }
