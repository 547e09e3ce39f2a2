package vsz

import (
	"slices"
	"testing"
)

func TestReadResolver(t *testing.T) {
	for output, want := range map[string]string{
		"go package net: using the Go DNS resolver\nready\n":                    "Go",
		"go package net: built with netgo build tag; using Go's DNS resolver\n": "Go",
		"go package net: dynamic selection of DNS resolver\ngo package net: hostLookupOrder(x) = " +
			"cgo\n": "dynamic",
		"go package net: confVal.netCgo = true  netGo = false\ngo package net: using the cgo DNS resolver\n":          "cgo",
		"go package net: GODEBUG setting forcing use of the cgo resolver\n":                                           "cgo",
		"go package net: GODEBUG setting forcing use of the Go resolver\n":                                            "Go",
		"go package net: ignoring GODEBUG=netdns=cgo as the binary was compiled without support for the cgo resolver": "Go",
		"ready: go package net: using the cgo DNS " +
			"resolver\n": "as before",
		"": "as before",
	} {
		row := VariantReport{Resolver: "as before"}
		row.readResolver(output)
		if row.Resolver != want {
			t.Errorf("%q: %s by %s, expected %s", output, row.Resolver, row.ResolverBy, want)
		}
	}
}

// All that package net says is kept, once and in its order.
func TestNetLines(t *testing.T) {
	const first, second = "go package net: dynamic selection of DNS resolver", "go package net: hostLookupOrder(x) = cgo"
	var row VariantReport
	row.readResolver(first + "\nready\n" + second + "\n" + second + "\nnot go package net: x\n")
	if want := []string{first, second}; !slices.Equal(row.NetLines, want) || row.Resolver != "dynamic" {
		t.Errorf("%q, resolver %s; expected %q", row.NetLines, row.Resolver, want)
	}
}

func TestLinkedResolver(t *testing.T) {
	for _, c := range []struct {
		want string
		p    Program
		env  string
	}{
		{want: "none", p: Program{Cgo: true}},
		{want: "Go", p: Program{Net: true}},
		{want: "Go", p: Program{Net: true}, env: "GODEBUG=netdns=cgo"}, // is ignored
		{want: "Go", p: Program{Net: true, Cgo: true, Tags: []string{"netgo", "cgo"}}},
		{want: "Go", p: Program{Net: true, Cgo: true, Tags: []string{"netgo"}, GODEBUG: "netdns=cgo"}},
		{want: "Go", p: Program{Net: true, Cgo: true, GODEBUG: "netdns=go,http2client=0"}},
		{want: "Go", p: Program{Net: true, Cgo: true, Tags: []string{"netcgo"}}, env: "GODEBUG=netdns=1+go"},
		{want: "Go", p: Program{Net: true, Cgo: true, GODEBUG: "netdns=cgo"}, env: "GODEBUG=netdns=go"},
		{want: "cgo", p: Program{Net: true, Cgo: true, Tags: []string{"netcgo"}}},
		{want: "cgo", p: Program{Net: true, Cgo: true, GODEBUG: "netdns=cgo"}},
		{want: "dynamic", p: Program{Net: true, Cgo: true}},
		{want: "dynamic", p: Program{Net: true, Cgo: true, GODEBUG: "http2client=0"}, env: "GODEBUG=netdns=2"},
	} {
		if got, by := c.p.linkedResolver([]string{c.env}); got != c.want || by == "" {
			t.Errorf("%+v in %q: %s by %q, expected %s", c.p, c.env, got, by, c.want)
		}
	}
}

func TestJoinGodebug(t *testing.T) {
	for _, c := range []struct {
		want, byDefault string
		env             []string
	}{
		{want: "netdns=1", env: []string{"A=1"}},
		{want: "http2client=0,netdns=1", env: []string{"GODEBUG=netdns=go", "GODEBUG=http2client=0"}}, // the last one counts
		{want: "netdns=go+1,madvdontneed=1", env: []string{"GODEBUG=netdns=go,madvdontneed=1"}},
		{want: "netdns=go+1", byDefault: "madvdontneed=1,netdns=go"},
		{want: "netdns=cgo+1", byDefault: "netdns=go", env: []string{"GODEBUG=netdns=cgo"}},
	} {
		if got := joinGodebug(c.byDefault, c.env); got != c.want {
			t.Errorf("%q over %q: %s, expected %s", c.env, c.byDefault, got, c.want)
		}
	}
}
