package vsz

import "testing"

func TestReadResolver(t *testing.T) {
	for output, want := range map[string]string{
		"go package net: using the Go DNS resolver\nready\n":                                                          "Go",
		"go package net: built with netgo build tag; using Go's DNS resolver\n":                                       "Go",
		"go package net: dynamic selection of DNS resolver\ngo package net: hostLookupOrder(x) = cgo\n":               "dynamic",
		"go package net: confVal.netCgo = true  netGo = false\ngo package net: using the cgo DNS resolver\n":          "cgo",
		"go package net: GODEBUG setting forcing use of the cgo resolver\n":                                           "cgo",
		"go package net: GODEBUG setting forcing use of the Go resolver\n":                                            "Go",
		"go package net: ignoring GODEBUG=netdns=cgo as the binary was compiled without support for the cgo resolver": "Go",
		"ready: go package net: using the cgo DNS resolver\n":                                                         "as before",
		"": "as before",
	} {
		row := VariantReport{Resolver: "as before"}
		row.readResolver(output)
		if row.Resolver != want {
			t.Errorf("%q: %s by %s, expected %s", output, row.Resolver, row.ResolverBy, want)
		}
	}
}

func TestLinkedResolver(t *testing.T) {
	for want, programs := range map[string][]Program{
		"none":    {{Cgo: true}},
		"Go":      {{Net: true}, {Net: true, Cgo: true, Variant: Variant{Tags: []string{"netgo", "cgo"}}}},
		"cgo":     {{Net: true, Cgo: true, Variant: Variant{Tags: []string{"netcgo"}}}},
		"dynamic": {{Net: true, Cgo: true}},
	} {
		for _, p := range programs {
			if got, by := p.linkedResolver(); got != want || by == "" {
				t.Errorf("%+v: %s by %q, expected %s", p, got, by, want)
			}
		}
	}
}

func TestJoinGodebug(t *testing.T) {
	for want, env := range map[string][]string{
		"netdns=1":                   {"A=1"},
		"http2client=0,netdns=1":     {"GODEBUG=netdns=go", "GODEBUG=http2client=0"}, // the last one counts
		"netdns=go+1,madvdontneed=1": {"GODEBUG=netdns=go,madvdontneed=1"},
	} {
		if got := joinGodebug(env); got != want {
			t.Errorf("%q: %s, expected %s", env, got, want)
		}
	}
}
