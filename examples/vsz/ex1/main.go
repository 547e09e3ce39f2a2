// Command ex1 is the article's first program: a web server that greets. It has no C of its own, but imports net/http.
//
//	ex1 [ADDRESS]   listens on ADDRESS, or on a free port of 127.0.0.1
package main

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
	fmt.Printf("ready: http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
