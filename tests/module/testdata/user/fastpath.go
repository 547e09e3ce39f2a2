// Fastpath prints which fast path package cmem has in this build.
package main

import (
	"fmt"

	"github.com/gocmem/cmem/cmem"
)

func main() {
	cmem.Free(cmem.Alloc(1000))
	var s cmem.Stats
	cmem.ReadStats(&s)
	fmt.Println(s.FastPath)
}
