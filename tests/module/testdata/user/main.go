// User is a program of somebody else's that uses package cmem.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/gocmem/cmem/cmem"
)

// shared is set where there is a cgo file: it exchanges blocks with C.
var shared = func() error { return nil }

func main() {
	if err := use(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if err := shared(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var s cmem.Stats
	cmem.ReadStats(&s)
	if s.LiveBlocks != 0 {
		fmt.Println(s.LiveBlocks, "live blocks at the end")
		os.Exit(1)
	}
	fmt.Println("all well, C memory:", s.MetadataSys > 0)
}

func use() error {
	for _, n := range []int{1, 1000, 100_000, 20 << 20} {
		b := cmem.Alloc(n)
		for i := range b {
			b[i] = byte(i)
		}
		want := bytes.Clone(b)
		b = cmem.Realloc(b, 2*n)
		if !bytes.Equal(b[:n], want) {
			return fmt.Errorf("%d bytes are not what they were", n)
		}
		cmem.Free(b)
		if err := doubleFree(b); err != nil {
			return err
		}
	}
	return nil
}

// doubleFree frees b a second time, which must panic.
func doubleFree(b []byte) (err error) {
	defer func() {
		var misuse *cmem.MisuseError
		if e, _ := recover().(error); !errors.As(e, &misuse) {
			err = fmt.Errorf("a second Free: %v", e)
		}
	}()
	cmem.Free(b)
	return nil
}
