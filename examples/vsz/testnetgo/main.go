// Command testnetgo looks names up, prints their addresses and errors, and waits.
//
//	testnetgo [HOST...]   looks up the hosts, or localhost
//
// GODEBUG=netdns=1 makes it say which resolver the build has, and GODEBUG=netdns=go or cgo chooses one.
package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	hosts := os.Args[1:]
	if len(hosts) == 0 {
		hosts = []string{"localhost"}
	}
	for _, host := range hosts {
		addresses, err := net.LookupHost(host)
		fmt.Println(host, addresses, err)
	}
	fmt.Println("ready")

	for {
		time.Sleep(time.Hour)
	}
}
