package main

import _ "github.com/gocmem/cmem/cmem/lean"
