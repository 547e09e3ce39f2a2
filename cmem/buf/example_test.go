package buf_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/gocmem/cmem/cmem"
	"github.com/gocmem/cmem/cmem/buf"
)

func ExampleBuffer() {
	var b buf.Buffer // instead of bytes.Buffer
	defer b.Free()
	b.WriteString("Hello, ")
	fmt.Fprintf(&b, "%s!\n", "world")
	b.WriteTo(os.Stdout)
	// Output: Hello, world!
}

// A body of known length is read into a block of that length, and sent once more where the first
// attempt has failed.
func ExampleBuffer_Seek() {
	body, length := strings.NewReader("a body"), 6
	var b buf.Buffer
	defer b.Free()
	if err := b.TryGrow(length); err != nil {
		fmt.Println(err) // no memory: an answer of status 503, say
		return
	}
	b.ReadFrom(body)
	for attempt := range 2 {
		b.Seek(0, io.SeekStart)
		n, err := b.WriteTo(io.Discard)
		fmt.Println("attempt", attempt, n, err)
	}
	// Output:
	// attempt 0 6 <nil>
	// attempt 1 6 <nil>
}

func ExampleReadAll() {
	b, err := buf.ReadAll(strings.NewReader("all of it"))
	defer b.Free() // also where there is an error
	fmt.Printf("%s, %v\n", b.Bytes(), err)
	// Output: all of it, <nil>
}

func ExampleCopy() {
	n, err := buf.Copy(os.Stdout, strings.NewReader("by a buffer of cmem's\n"))
	fmt.Println(n, err)
	// Output:
	// by a buffer of cmem's
	// 22 <nil>
}

// A header and a body go out by one system call, without a copy.
func ExampleVec() {
	client, server := net.Pipe() // a *net.TCPConn has writev
	go func() {
		body := cmem.Alloc(4)
		copy(body, "body")
		var v buf.Vec
		defer v.Free()                            // what an error has left
		v.AppendBorrowed([]byte("length: 4\n\n")) // Go's
		v.Append(body)                            // v's from now on
		v.WriteTo(server)
		server.Close()
	}()
	io.Copy(os.Stdout, client)
	// Output:
	// length: 4
	//
	// body
}
