// Command ex6 makes a C string of a Go string, hands it to puts, frees it, and waits.
package main

// #include <stdio.h>
// #include <stdlib.h>
import "C"

import (
	"time"
	"unsafe"
)

func main() {
	text := C.CString("ready")
	C.puts(text)
	C.free(unsafe.Pointer(text))
	C.fflush(C.stdout) // which is buffered where it is no terminal

	for {
		time.Sleep(time.Hour)
	}
}
