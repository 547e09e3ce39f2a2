package main

import (
	"github.com/cespare/xxhash/v2"
	"github.com/golang/groupcache/consistenthash"
)

// points is how many points each server has on the ring. With 160, servers get
// within some 10 % of their fair share of the keys.
const points = 160

// ring gives each key its server by consistent hashing: a server added or taken
// away moves only that server's share of the keys. It is never changed after
// newRing: a server that dies keeps its keys, so that they are not stale copies
// on another one when it comes back.
type ring struct {
	hashes  *consistenthash.Map
	servers []*server
	index   map[string]int // of an address in servers
}

// newRing takes servers with addresses that all differ.
func newRing(servers []*server) *ring {
	r := &ring{
		hashes:  consistenthash.New(points, func(b []byte) uint32 { return uint32(xxhash.Sum64(b)) }),
		servers: servers,
		index:   make(map[string]int, len(servers)),
	}
	for i, s := range servers {
		r.hashes.Add(s.addr)
		r.index[s.addr] = i
	}
	return r
}

func (r *ring) indexOf(key []byte) int {
	if len(r.servers) == 1 {
		return 0
	}
	return r.index[r.hashes.Get(string(key))]
}

// serverOf returns the server that key belongs to.
func (r *ring) serverOf(key []byte) *server { return r.servers[r.indexOf(key)] }

// share is the part of a multi-get that goes to one server.
type share struct {
	server *server
	keys   [][]byte
}

// split divides keys among their servers, keeping their order.
func (r *ring) split(keys [][]byte) []share {
	if len(keys) == 1 || len(r.servers) == 1 {
		return []share{{r.serverOf(keys[0]), keys}}
	}
	byServer := make([][][]byte, len(r.servers))
	for _, key := range keys {
		i := r.indexOf(key)
		byServer[i] = append(byServer[i], key)
	}
	var shares []share
	for i, keys := range byServer {
		if len(keys) > 0 {
			shares = append(shares, share{r.servers[i], keys})
		}
	}
	return shares
}
