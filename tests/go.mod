module github.com/gocmem/cmem/tests

go 1.24

require (
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c
	github.com/gocmem/cmem v0.1.0
	github.com/gocmem/cmem/examples v0.1.0
	github.com/prometheus/procfs v0.16.1
	go.uber.org/goleak v1.3.0
	golang.org/x/mod v0.26.0
	golang.org/x/sys v0.32.0
)
