// Command ex3http is ex1 and ex3 in one: a web server that greets until C's getchar returns, at a
// character or the end of standard input.
//
//	ex3http [ADDRESS]   listens on ADDRESS, or on a free port of 127.0.0.1
package main

// #include <stdio.h>
import "C"

import (
	"fmt"
	"html"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/bar", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %q", html.EscapeString(r.URL.Path))
	})

	address := "127.0.0.1:0"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.Serve(listener, nil)) }()
	fmt.Printf("ready: http://%s\n", listener.Addr())
	C.getchar()
}
