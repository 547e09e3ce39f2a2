// Command ex1cmem is ex1 with its responses in buffers of package cmem.
//
//	ex1cmem [ADDRESS]   listens on ADDRESS, or on a free port of 127.0.0.1
package main

import (
	"fmt"
	"html"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/gocmem/cmem/cmem"
)

func main() {
	http.HandleFunc("/bar", func(w http.ResponseWriter, r *http.Request) {
		path := html.EscapeString(r.URL.Path)
		buffer := cmem.Alloc(len(`Hello, ""`) + 4*len(path)) // %q makes at most four bytes of one
		defer cmem.Free(buffer)
		w.Write(fmt.Appendf(buffer[:0], "Hello, %q", path))
	})

	address := "127.0.0.1:0"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ready: http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
