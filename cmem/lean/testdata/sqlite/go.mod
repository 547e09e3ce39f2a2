module github.com/gocmem/cmem/cmem/lean/testdata/sqlite

go 1.24

replace github.com/gocmem/cmem => ../../../..

require (
	github.com/gocmem/cmem v0.0.0-00010101000000-000000000000
	github.com/mattn/go-sqlite3 v1.14.52
)
