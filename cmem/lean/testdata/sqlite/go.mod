module github.com/gocmem/cmem/cmem/lean/testdata/sqlite

go 1.24

require (
	github.com/gocmem/cmem v0.1.0
	github.com/mattn/go-sqlite3 v1.14.52
)
