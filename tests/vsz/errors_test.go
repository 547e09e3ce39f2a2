//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

package vsz

import (
	"testing"
)

// waits is a program that says that it is ready, and waits.
const waits = `package main

import (
	"fmt"
	"time"
)

func main() {
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
`

func TestBadPackage(t *testing.T) {
	dir := module(t, map[string]string{"main.go": waits, "lib/lib.go": "package lib\n", "empty/README": ""})
	for pkg, part := range map[string]string{
		"./nosuch": `package "./nosuch": there is no such folder`, "example.com/nosuch": "example.com/nosuch",
		"./lib":   "expected a main package",
		"./empty": "no Go files", "main.go": `"main.go": expected one main package`, "./...": "expected one main package",
	} {
		vsz(t, dir, pkg).want(2, "cmem: ", part)
	}
}

func TestFailedBuild(t *testing.T) {
	dir := module(t, map[string]string{"main.go": "package main\n\nfunc main() { undeclared() }\n"})
	c := vsz(t, dir, ".")
	c.want(2, "go build", "main.go:3:15: undefined: undeclared")
	if c.stdout.Len() > 0 {
		t.Errorf("nothing was measured, and standard output has\n%s", &c.stdout)
	}
}

// TestImpossible: a program that imports C has no variant without; that is no failure where others can be measured.
func TestImpossible(t *testing.T) {
	dir := module(t,
		map[string]string{"main.go": "package main\n\nimport \"C\"\n\nimport \"time\"\n\nfunc main() { " +
			"time.Sleep(time.Hour) }\n"})
	vsz(t, dir, ".", "--variants", "nocgo").want(2, `variant nocgo: package example.com/app imports "C"`)
	c := vsz(t, dir, quick(".", "--variants", "nocgo,default", "--ready", "10ms")...)
	c.want(0)
	wantParts(t, c.stdout.String(), "not measured:\n  nocgo: package example.com/app imports \"C\"",
		"default, the first row")
}

func TestEndsEarly(t *testing.T) {
	dir := module(t, map[string]string{"main.go": `package main

import "os"

func main() {
	println("no config here")
	os.Exit(3)
}
`})
	vsz(t, dir, ".", "--variants", "nocgo").want(2, "ended before it had run for 1s: exit status 3", "no config here")
	vsz(t, dir, ".", "--variants", "nocgo", "--ready", "serving").want(2,
		`ended before it printed a line that matches "serving"`, "no config here")
	vsz(t, dir, ".", "--variants", "nocgo", "--ready", "config").want(2, "ended before it was measured", "exit status 3")
}

func TestNeverReady(t *testing.T) {
	dir := module(t, map[string]string{"main.go": waits})
	vsz(t, dir, ".", "--variants", "nocgo", "--ready", "serving", "--timeout", "300ms").
		want(2, `not ready after 300ms: it has not printed a line that matches "serving"`, "\nready\n")
	vsz(t, dir, ".", "--variants", "nocgo", "--ready", "127.0.0.1:1", "--timeout", "300ms").want(2,
		"it has not listened on 127.0.0.1:1")
}

// TestFailsOnce: what fails with the first program is not tried, after each its timeout, with the others.
func TestFailsOnce(t *testing.T) {
	dir := module(t, map[string]string{"main.go": waits})
	vsz(t, dir, ".", "--variants", "nocgo,default", "--ready", "serving", "--timeout", "300ms").want(2,
		"variant nocgo: example.com/app was not ready")
}

// TestOneDoesNotBuild: a variant that was asked for by name has to build; of all others it is noted.
func TestOneDoesNotBuild(t *testing.T) {
	dir := module(t, map[string]string{"main.go": waits,
		"netcgo.go": "//go:build netcgo\n\npackage main\n\nvar _ = undeclared\n"})
	c := vsz(t, dir, quick(".", "--ready", "^ready", "--json", "all.json")...)
	c.want(0, "note: variant netcgo", "undefined: undeclared")
	wantParts(t, c.stdout.String(), "not measured:\n  netcgo: ", "\nexternal ")
	vsz(t, dir, quick(".", "--ready", "^ready", "--variants", "nocgo,netcgo")...).want(2, "variant netcgo",
		"undefined: undeclared")

	// What was measured once and fails now is no success.
	writeFiles(t, dir, map[string]string{"nocgo.go": "//go:build !cgo\n\npackage main\n\nvar _ = undeclared\n"})
	vsz(t, dir, quick(".", "--ready", "^ready", "--compare", "all.json")...).want(2,
		"--compare all.json has figures of what fails now: nocgo: ")
}

// TestPartFails: the rows that can be measured are shown, and the others are errors.
func TestPartFails(t *testing.T) {
	dir := module(t, map[string]string{
		"main.go":  waits,
		"nocgo.go": "//go:build !cgo\n\npackage main\n",
		"cgo.go":   "//go:build cgo\n\npackage main\n\nfunc init() { println(\"cgo is bad\"); panic(\"with cgo\") }\n",
	})
	c := vsz(t, dir, quick(".", "--variants", "nocgo,default", "--ready", "^ready")...)
	c.want(2, "cgo is bad", "panic: with cgo", "variant default: example.com/app ended before")
	wantParts(t, c.stdout.String(), "not measured:\n  default: example.com/app ended before", "nocgo, the first row")
}
