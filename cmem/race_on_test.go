//go:build race

package cmem

const raceBuild = true
