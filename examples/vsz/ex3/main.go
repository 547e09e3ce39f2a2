// Command ex3 calls one function of C's, getchar, and ends when that returns: at a character or the end of standard input.
package main

// #include <stdio.h>
import "C"

import "fmt"

func main() {
	fmt.Println("ready")
	C.getchar()
}
