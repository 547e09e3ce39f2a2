package cmem_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/gocmem/cmem/cmem"
)

func Example() {
	body := strings.NewReader("a body of 23 bytes, say")

	b := cmem.Alloc(body.Len()) // instead of make([]byte, body.Len())
	defer cmem.Free(b)

	n, err := io.ReadFull(body, b)
	fmt.Printf("%d bytes, %v: %s\n", n, err, b[:n])
	// Output: 23 bytes, <nil>: a body of 23 bytes, say
}

func ExampleAlloc() {
	b := cmem.Alloc(1000)
	fmt.Println(len(b), cap(b))
	cmem.Free(b)
	// Output: 1000 1000
}

// What Free gets must start where the buffer does, whatever its length.
func ExampleFree() {
	b := cmem.Alloc(1000)
	b = append(b[:0], "reused as a stack of bytes"...)
	cmem.Free(b)

	defer func() {
		var misuse *cmem.MisuseError
		if err, _ := recover().(error); errors.As(err, &misuse) {
			fmt.Println("refused by", misuse.Func)
		}
	}()
	cmem.Free(b) // a second time
	// Output: refused by Free
}

func ExampleAllocSlice() {
	row := cmem.AllocSlice[float32](3) // instead of make([]float32, 3)
	defer cmem.FreeSlice(row)
	row[1] = 2.5
	fmt.Println(row)

	type named struct {
		id   int
		name string // which is a pointer to bytes
	}
	defer func() { fmt.Println(recover()) }()
	cmem.AllocSlice[named](10)
	// Output:
	// [0 2.5 0]
	// cmem: AllocSlice: cmem_test.named.name may hold a Go pointer (string): the collector does not look into buffers
}

func ExampleTryAlloc() {
	_, err := cmem.TryAlloc(-1)
	fmt.Println(errors.Is(err, cmem.ErrSize), err)
	// Output: true cmem: cannot allocate -1 bytes: size is negative
}

// A slice that append would move to Go memory grows by Realloc instead.
func ExampleRealloc() {
	b := cmem.Alloc(4)
	used := copy(b, "grow")
	for range 3 {
		if used+5 > len(b) {
			b = cmem.Realloc(b, 2*len(b)+5)
		}
		used += copy(b[used:], " more")
	}
	fmt.Printf("%s\n", b[:used])
	cmem.Free(b)
	// Output: grow more more more
}

// A handle may be lost: the collector frees its buffer then.
func ExampleNew() {
	h := cmem.New(5)
	copy(h.Bytes(), "hello")
	clone := h // the same buffer
	fmt.Printf("%s, %d bytes\n", clone.Bytes(), clone.Len())

	h.Free()
	h.Free()     // does nothing
	clone.Free() // nor does this
	// Output: hello, 5 bytes
}

// A message keeps its body in C memory, which goes when the message does.
func ExampleAttach() {
	type message struct {
		from string
		body []byte
	}
	m := &message{from: "alice", body: cmem.Alloc(5)}
	cmem.Attach(m, m.body)

	copy(m.body, "hello")
	fmt.Printf("%s: %s\n", m.from, m.body)
	runtime.KeepAlive(m) // m.body alone keeps nothing alive
	// Output: alice: hello
}

func ExampleReadStats() {
	var before, after cmem.Stats
	cmem.ReadStats(&before)
	b := cmem.Alloc(1 << 20)
	cmem.ReadStats(&after)
	fmt.Println(after.LiveBytes-before.LiveBytes, "bytes in", after.LiveBlocks-before.LiveBlocks, "block")
	cmem.Free(b)
	// Output: 1048576 bytes in 1 block
}
