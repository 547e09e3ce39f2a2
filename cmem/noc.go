//go:build !(cgo && linux && (amd64 || arm64 || riscv64))

package cmem

import "io"

// Without libcmem there are no blocks of C's.

func freeC(uintptr) bool             { return false }
func usableC(uintptr) int            { return 0 }
func describeC(uintptr, bool) string { return "" }
func addC(*Stats)                    {}

func writeSpansC(w io.Writer) error {
	_, err := io.WriteString(w, spansHead)
	return err
}
