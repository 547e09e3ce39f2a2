module github.com/gocmem/cmem

go 1.24
