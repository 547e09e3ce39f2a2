//go:build !(cgo && linux && (amd64 || arm64 || riscv64))

package cmem

import "io"

// Builds without libcmem: what heap_go.go asks about blocks that C code has allocated. There are
// none.

func freeC(uintptr) bool             { return false }
func usableC(uintptr) int            { return 0 }
func describeC(uintptr, bool) string { return "" }
func addC(*Stats)                    {}

func writeSpansC(w io.Writer) error {
	_, err := io.WriteString(w, spansHead)
	return err
}
