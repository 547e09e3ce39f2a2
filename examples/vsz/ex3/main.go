// Command ex3 reads one character by C's getchar, prints what Go makes of it (its type and its value), and ends.
package main

// #include <stdio.h>
import "C"

import "fmt"

func main() {
	fmt.Println("ready")
	char := C.getchar() // -1, EOF, at the end of standard input
	fmt.Printf("%T %#v\n", char, char)
}
