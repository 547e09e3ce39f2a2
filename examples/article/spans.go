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
	clear(large)
	cmem.Free(large)
	time.Sleep(200 * time.Millisecond)
	fmt.Fprintln(out, "1000 and 100000 bytes are held, 3000000 were freed 0.2 s ago:")
	if err := cmem.WriteSpans(out); err != nil {
		return err
	}
	cmem.Free(body)
	cmem.Scavenge()
	fmt.Fprintln(out, "\n1000 bytes are held, and what was free was given back:")
	if err := cmem.WriteSpans(out); err != nil {
		return err
	}
	cmem.Free(small)
	return nil
}
