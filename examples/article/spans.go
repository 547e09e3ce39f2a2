package main

import (
	"fmt"
	"io"
	"time"

	"github.com/gocmem/cmem/cmem"
)

// showSpans shows what the articles read of Go's heap in a debugger: of each span how long it is
// unused, and what of it was released.
func showSpans(out io.Writer) error {
	small, body, large := cmem.Alloc(1000), cmem.Alloc(100_000), cmem.Alloc(3_000_000)
	defer cmem.Free(small)
	clear(large)
	cmem.Free(large)
	time.Sleep(200 * time.Millisecond)
	fmt.Fprintln(out, "1000 and 100000 bytes are held, 3000000 were freed 0.2 s ago:")
	err := cmem.WriteSpans(out)
	cmem.Free(body)
	if err != nil {
		return err
	}
	cmem.Scavenge()
	fmt.Fprintln(out, "\n1000 bytes are held, and what was free was given back:")
	return cmem.WriteSpans(out)
}
