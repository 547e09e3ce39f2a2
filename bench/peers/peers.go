package main

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gocmem/cmem/cmem"
)

// A peer is a way to come by buffers.
type peer struct {
	name    string
	about   string
	module  string // whose version the report gives; "" for Go's own
	loops   loops
	size    int    // the only size it has; 0: any
	fixed   bool   // has one size in a session: not for workloads with several
	reset   func() // gives back what it keeps that the collector does not
	garbage bool   // its work is the collector's too, in a child process: a collection here would empty the others' pools
	// library is what must be preloaded, in a child process; "" for none.
	library string
}

const (
	ours = "cmem"
	bare = "sync.Pool"
)

// peers are all there are, cmem first.
var peers = append(goPeers(), cPeers...)

func goPeers() []*peer {
	cmemAll, makeAll := cmemLoops, madeLoops
	cmemAll.handle, cmemAll.arena = cmemHandle, cmemArena
	poolAll := poolLoops
	poolAll.handle = poolPair
	makeAll.arena = madeArena
	return []*peer{
		{name: ours, about: "Alloc and Free; New and Buffer.Free in handle; Arena in arena",
			module: "github.com/gocmem/cmem", loops: cmemAll, reset: func() { cmem.Scavenge() }},
		{name: bare, about: "a bare sync.Pool of *[]byte of the one size", loops: poolAll, fixed: true},
		{name: "classed", about: "a sync.Pool of *[]byte for each power of two, as services write it", loops: classedLoops},
		{name: "mcache", about: "bytedance's lang/mcache: a sync.Pool of *byte for each power of two",
			module: "github.com/bytedance/gopkg", loops: mcacheLoops},
		{name: "libp2p", about: "go-buffer-pool: a sync.Pool for each power of two",
			module: "github.com/libp2p/go-buffer-pool", loops: libp2pLoops},
		{name: "bytebufferpool", about: "one pool of buffers of any capacity, made anew where too small",
			module: "github.com/valyala/bytebufferpool", loops: byteBufferLoops},
		{name: "grpc", about: "grpc/mem's tiered pool, a tier for each power of two; zeroes each buffer whole",
			module: "google.golang.org/grpc", loops: grpcLoops},
		{name: "modernc", about: "modernc.org/memory.Allocator and a sync.Mutex", module: "modernc.org/memory",
			loops: moderncLoops, reset: modernc.reset},
		{name: "make", about: "make([]byte, n), zeroed, and the collector", loops: makeAll, garbage: true},
		{name: "ristretto",
			about:  "ristretto/v2/z.Calloc and Free: without its build tag jemalloc, as here, that is make and nothing",
			module: "github.com/dgraph-io/ristretto/v2", loops: ristrettoLoops, garbage: true},
		{name: "fastcache", about: "fastcache's chunks of 64 KiB: mmap and a locked list",
			module: "github.com/VictoriaMetrics/fastcache", loops: fastcacheLoops, size: 64 << 10, fixed: true},
		{name: "make+AddCleanup", about: "make and runtime.AddCleanup on an owner, which is lost",
			loops: loops{handle: cleanupHandle}, garbage: true},
		{name: "make+SetFinalizer", about: "make and runtime.SetFinalizer on an owner, which is lost",
			loops: loops{handle: finalizerHandle}, garbage: true},
		{name: "bump", about: "a bump arena in plain Go: 64 KiB chunks in a sync.Pool", loops: loops{arena: bumpArena}},
	}
}

func findPeer(name string) (*peer, error) {
	i := slices.IndexFunc(peers, func(p *peer) bool { return p.name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no peer %q", name)
	}
	return peers[i], nil
}

// choosePeers returns the peers of these names, and those that the ratios need; all where there are no names.
func choosePeers(list string) ([]*peer, error) {
	if list == "" {
		return peers, nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if _, err := findPeer(name); err != nil {
			return nil, fmt.Errorf("-peers %s: %w; there are %s", list, err, peerNames())
		}
	}
	var chosen []*peer
	for _, p := range peers {
		if p.name == ours || p.name == bare || slices.Contains(names, p.name) {
			chosen = append(chosen, p)
		}
	}
	return chosen, nil
}

func peerNames() string {
	var names []string
	for _, p := range peers {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

// version of the peer's module in this build; "" for Go's own.
func (p *peer) version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || p.module == "" {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == p.module {
			if m.Replace != nil {
				return "this tree"
			}
			return m.Version
		}
	}
	return ""
}
