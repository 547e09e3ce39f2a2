// Gen writes the loops of each peer from one template, so that Alloc and Free of each are inlined in its loops as they
// are in users' code, which neither an interface, nor a function value, nor a type parameter would do, and so that all
// loops are the same.
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/format"
	"os"
	"text/template"
)

// A peer is how Go code comes by a buffer, uses it and gives it back.
type peer struct {
	Func   string // what its functions' names begin with
	Buffer string // the type of b: what is held of a buffer
	Setup  string // what comes before the first buffer; size is known there
	Get    string // declares b, a buffer of size bytes
	Bytes  string // its []byte
	Put    string // gives b back
}

// A file is what is generated for some of the peers.
type file struct {
	Name    string
	Build   string // constraint
	Imports []string
	Peers   []peer
}

var files = []file{
	{
		Name: "loops_go.go",
		Imports: []string{
			"github.com/bytedance/gopkg/lang/mcache", "github.com/dgraph-io/ristretto/v2/z", "github.com/gocmem/cmem/cmem",
			"github.com/libp2p/go-buffer-pool", "github.com/valyala/bytebufferpool",
		},
		Peers: []peer{
			{"cmem", "[]byte", "", "b := cmem.Alloc(size)", "b", "cmem.Free(b)"},
			{"made", "[]byte", "", "b := make([]byte, size)", "b", "_ = b"},
			{"pool", "*[]byte", "pool := newPool(size)", "b := pool.Get().(*[]byte)", "(*b)", "pool.Put(b)"},
			{"classed", "*[]byte", "pool := new(classedPool)", "b := pool.get(size)", "(*b)", "pool.put(b)"},
			{"mcache", "[]byte", "", "b := mcache.Malloc(size)", "b", "mcache.Free(b)"},
			{"libp2p", "[]byte", "", "b := pool.Get(size)", "b", "pool.Put(b)"},
			{"byteBuffer", "*bytebufferpool.ByteBuffer", "pool := new(bytebufferpool.Pool)", "b := sized(pool.Get(), size)",
				"b.B", "pool.Put(b)"},
			{"grpc", "*[]byte", "pool := newGRPCPool()", "b := pool.Get(size)", "(*b)", "pool.Put(b)"},
			{"modernc", "[]byte", "", "b := modernc.malloc(size)", "b", "modernc.free(b)"},
			{"ristretto", "[]byte", "", `b := z.Calloc(size, "peers")`, "b", "z.Free(b)"},
			{"fastcache", "[]byte", "", "b := getChunk()[:size]", "b", "putChunk(b)"},
		},
	},
	{
		Name:  "loops_cgo.go",
		Build: "cgo",
		Imports: []string{
			"unsafe", "", "github.com/apache/arrow-go/v18/arrow/memory/mallocator", "github.com/gocmem/cmem/cmem/raw",
		},
		Peers: []peer{
			{"arrow", "[]byte", "heap := mallocator.NewMallocator()", "b := heap.Allocate(size)", "b", "heap.Free(b)"},
			{"malloc", "[]byte", "", "b := unsafe.Slice(raw.Alloc(uintptr(size)), size)", "b", "raw.Free(unsafe.SliceData(b))"},
		},
	},
}

//go:embed loops.tmpl
var text string

func main() {
	for _, f := range files {
		source, err := f.source()
		if err == nil {
			err = os.WriteFile(f.Name, source, 0o666)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}

// source is what the file is to hold.
func (f *file) source() ([]byte, error) {
	t, err := template.New("loops.tmpl").Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, f); err != nil {
		return nil, err
	}
	return format.Source(out.Bytes())
}
