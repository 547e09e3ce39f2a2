package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gocmem/cmem/examples/proxy/internal/cli"
	"github.com/gocmem/cmem/examples/proxy/memstore"
)

// newRand is seeded by CMEM_SEED or the time; its seed is in the log.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed, err := cli.Seed(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("CMEM_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func TestSizes(t *testing.T) {
	rng := newRand(t)
	const low, high, mean = 10 << 10, 3 << 20, 100 << 10
	s, err := newSizes(low, high, mean)
	if err != nil {
		t.Fatal(err)
	}
	const draws = 400_000
	sum := 0.0
	for range draws {
		n := s.draw(rng)
		if n < low || n > high {
			t.Fatalf("drew %d, outside of %d to %d", n, low, high)
		}
		sum += float64(n)
	}
	// The standard error of this mean is some 0.25 %.
	if got := sum / draws; math.Abs(got-mean) > 0.02*mean {
		t.Errorf("the mean of %d draws is %.0f, want %d", draws, got, mean)
	}
	if one, err := newSizes(1000, 1000, 1000); err != nil || one.draw(rng) != 1000 {
		t.Errorf("sizes of 1000 only: %v", err)
	}
	if _, err := newSizes(1000, 1000, 2000); err == nil {
		t.Error("sizes of 1000 with the mean 2000 are possible")
	}
}

func TestCorpus(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"a": "aaaa", "b": "bbbbbbbb", "empty": "", "sub/c": "cc"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(size int, roots ...string) *corpus {
		t.Helper()
		var sources []source
		for _, root := range roots {
			sources = append(sources, source{root, anyFile})
		}
		c, err := readCorpus(context.Background(), sources, size, rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	all := read(100, filepath.Join(dir, "missing"), dir)
	for _, want := range []string{"aaaa", "bbbbbbbb", "cc"} {
		if !bytes.Contains(all.data, []byte(want)) {
			t.Errorf("the corpus %q lacks %q", all.data, want)
		}
	}
	if len(all.data) != 14 || all.files != 3 || len(all.roots) != 1 || !strings.Contains(all.roots[0], "3 files") {
		t.Errorf("corpus of %d bytes in %d files from %q, want 14 in 3 from one", len(all.data), all.files, all.roots)
	}
	if some := read(5, dir); len(some.data) != 5 {
		t.Errorf("corpus of %d bytes, want the 5 asked for", len(some.data))
	}
	if !bytes.Equal(read(14, dir).data, all.data) {
		t.Error("the same seed gave another corpus")
	}
}

// TestClientNotices has a server change what it was given.
func TestClientNotices(t *testing.T) {
	rng := newRand(t)
	c := &corpus{data: make([]byte, 1<<20)}
	for i := range c.data {
		c.data[i] = byte(rng.Uint32())
	}
	want := body{offset: 1000, length: 500_000, checksum: 77}
	for _, tt := range []struct {
		fault    memstore.Fault
		remember body // instead of what is set
		mismatch bool
	}{
		{memstore.None, want, false},
		{memstore.Corrupt, want, true},
		{memstore.WrongKey, want, true},
		{memstore.None, body{1000, 499_999, 77}, true},
		{memstore.None, body{1000, 500_000, 78}, true},
		{memstore.None, body{1001, 500_000, 77}, true},
	} {
		store, err := memstore.Listen("127.0.0.1:0", memstore.Options{Fault: func(command string) memstore.Fault {
			if command == "get" {
				return tt.fault
			}
			return memstore.None
		}})
		if err != nil {
			t.Fatal(err)
		}
		client, err := dial(context.Background(), store.Addr(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := client.set([]byte("key"), want); err != nil {
			t.Fatal(err)
		}
		found, n, err := client.get([][]byte{[]byte("key"), []byte("other")}, func([]byte) body { return tt.remember })
		if errors.Is(err, errMismatch) != tt.mismatch || (err == nil) != (found == 1 && n == want.length) {
			t.Errorf("fault %d, remembered %+v: %d found with %d bytes, error %v", tt.fault, tt.remember, found, n, err)
		}
		client.close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}
