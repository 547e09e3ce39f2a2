package vsz

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What resolves a program's names.
const (
	resolverGo      = "Go"
	resolverCgo     = "cgo"
	resolverDynamic = "dynamic" // Go's or libc's: each lookup decides
	resolverNone    = "none"    // the program has no package net
)

// linkedResolver tells the resolver by how the program is built and the environment it runs in, as
// package net chooses it.
func (p *Program) linkedResolver(env []string) (resolver, by string) {
	mode := netdnsMode(joinGodebug(p.GODEBUG, env))
	switch {
	case !p.Net:
		return resolverNone, "it does not import net"
	case !p.Cgo:
		return resolverGo, "built without cgo"
	case slices.Contains(p.Tags, "netgo"):
		return resolverGo, "built with the tag netgo"
	case mode == "go":
		return resolverGo, "GODEBUG or a //go:debug line has netdns=go"
	case slices.Contains(p.Tags, "netcgo"):
		return resolverCgo, "built with the tag netcgo"
	case mode == "cgo":
		return resolverCgo, "GODEBUG or a //go:debug line has netdns=cgo"
	}
	return resolverDynamic, "built with cgo and neither netgo nor netcgo"
}

// netdnsMode is the resolver that a GODEBUG asks for: "go", "cgo", or "". Beside it there may be a
// level of detail: "go+1".
func netdnsMode(godebug string) string {
	for _, s := range strings.Split(godebug, ",") {
		value, ok := strings.CutPrefix(s, "netdns=")
		if !ok {
			continue
		}
		for _, part := range strings.Split(value, "+") {
			if part == "go" || part == "cgo" {
				return part
			}
		}
	}
	return ""
}

// netdnsLine is what package net prints under GODEBUG=netdns=1, at the first lookup.
var netdnsLine = regexp.MustCompile(`(?m)^go package net: (.*)$`)

// netdnsResolvers are the lines' meanings. Go has had others before.
var netdnsResolvers = []struct{ part, resolver string }{
	{"dynamic selection", resolverDynamic},
	{"using the Go", resolverGo},
	{"use of the Go", resolverGo},
	{"built with netgo build tag", resolverGo},
	{"without support for the cgo resolver", resolverGo},
	{"using the cgo", resolverCgo},
	{"use of the cgo", resolverCgo},
	{"using cgo DNS", resolverCgo},
}

// lookupTime is how long a program that is ready may take to look up its first name.
const lookupTime = 300 * time.Millisecond

// askResolver runs the program once more and has package net say which resolver it takes. A program that looks nothing
// up says nothing: then the row stays as it is.
func (p *Program) askResolver(ctx context.Context, run RunConfig, row *VariantReport) error {
	if !p.Net {
		return nil
	}
	godebug := joinGodebug(p.GODEBUG, p.runEnv(run))
	run.Env = slices.Concat(run.Env, []string{"GODEBUG=" + godebug})
	proc, err := p.Start(ctx, run)
	var failed *RunError
	switch {
	case err == nil:
		proc.runsFor(ctx, lookupTime)
		proc.Stop()
		row.readResolver(proc.Output())
	case errors.As(err, &failed): // it may look a name up and end
		row.readResolver(failed.Output)
		err = nil
	}
	return cancelled(ctx, err)
}

// joinGodebug returns the GODEBUG of an environment with netdns=1 added: which resolver is taken is
// then still up to the rest of it, and to byDefault, the program's own, which a setting of the same
// name would hide.
func joinGodebug(byDefault string, env []string) string {
	var settings []string
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "GODEBUG="); ok {
			settings = strings.Split(v, ",")
		}
	}
	for i, s := range settings {
		if mode, ok := strings.CutPrefix(s, "netdns="); ok {
			settings[i] = "netdns=" + mode + "+1"
			return strings.Join(settings, ",")
		}
	}
	netdns := "netdns=1"
	if mode := netdnsMode(byDefault); mode != "" {
		netdns = "netdns=" + mode + "+1"
	}
	return strings.Join(append(settings, netdns), ",")
}

// readResolver looks for the lines in what the program printed. The first one that is known tells the resolver.
func (r *VariantReport) readResolver(output string) {
	resolver := ""
	for _, m := range netdnsLine.FindAllStringSubmatch(output, -1) {
		if !slices.Contains(r.NetLines, m[0]) {
			r.NetLines = append(r.NetLines, m[0])
		}
		for _, known := range netdnsResolvers {
			if resolver == "" && strings.Contains(m[1], known.part) {
				resolver = known.resolver
				r.Resolver, r.ResolverBy = resolver, fmt.Sprintf("GODEBUG=netdns=1: %q", m[1])
			}
		}
	}
}
