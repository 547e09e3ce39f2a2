// Command ex6 makes C strings of Go strings, hands them to puts, frees them, and waits.
package main

// #include <stdio.h>
// #include <stdlib.h>
import "C"

import (
	"time"
	"unsafe"
)

func main() {
	say("Hello from stdio")
	say("ready")
	C.fflush(C.stdout) // which is buffered where it is no terminal

	for {
		time.Sleep(time.Hour)
	}
}

func say(line string) {
	text := C.CString(line)
	C.puts(text)
	C.free(unsafe.Pointer(text))
}
