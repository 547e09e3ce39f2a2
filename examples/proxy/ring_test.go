package main

import (
	"fmt"
	"math"
	"testing"
)

func testRing(n int) *ring {
	var servers []*server
	for i := range n {
		servers = append(servers, &server{addr: fmt.Sprintf("10.0.0.%d:11211", i+1)})
	}
	return newRing(servers)
}

func TestRingSharesAreFair(t *testing.T) {
	const keys = 100_000
	r := testRing(5)
	counts := make(map[*server]int)
	for i := range keys {
		counts[r.serverOf(fmt.Appendf(nil, "key-%d", i))]++
	}
	fair := float64(keys) / float64(len(r.servers))
	for _, s := range r.servers {
		if off := math.Abs(float64(counts[s])-fair) / fair; off > 0.25 {
			t.Errorf("%s has %d of %d keys, %.0f %% off its fair share", s.addr, counts[s], keys, 100*off)
		}
	}
}

// TestRingMovesFewKeys is what makes the hashing consistent: a key moves to the
// added server or not at all.
func TestRingMovesFewKeys(t *testing.T) {
	const keys = 20_000
	before, after := testRing(4), testRing(5)
	added := after.servers[4].addr
	moved := 0
	for i := range keys {
		key := fmt.Appendf(nil, "key-%d", i)
		from, to := before.serverOf(key).addr, after.serverOf(key).addr
		if from == to {
			continue
		}
		if moved++; to != added {
			t.Fatalf("%s moved from %s to %s, which was there before", key, from, to)
		}
	}
	if moved < keys/10 || moved > keys*3/10 {
		t.Errorf("%d of %d keys moved to the fifth server, expected about a fifth", moved, keys)
	}
}

func TestRingSplit(t *testing.T) {
	r := testRing(3)
	var keys [][]byte
	for i := range 100 {
		keys = append(keys, fmt.Appendf(nil, "key-%d", i%90)) // the last ten come twice
	}
	got := make(map[string]int)
	shares := r.split(keys)
	for _, sh := range shares {
		for _, key := range sh.keys {
			if r.serverOf(key) != sh.server {
				t.Errorf("%s went to %s, which is not its server", key, sh.server.addr)
			}
			got[string(key)]++
		}
	}
	if len(shares) != 3 || len(got) != 90 || got["key-0"] != 2 || got["key-89"] != 1 {
		t.Errorf("100 keys, 90 different ones, were split into %d shares with %d different ones", len(shares), len(got))
	}
	if one := testRing(1).split(keys); len(one) != 1 || len(one[0].keys) != 100 {
		t.Errorf("with one server there are %d shares", len(one))
	}
}
