package proxy

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"
)

// TestRoundTrip sends bodies of many sizes through every allocator and back. The
// bodies are set and read by a memcached client that others wrote.
func TestRoundTrip(t *testing.T) {
	onBackends(t, 1, func(t *testing.T, addrs []string) {
		onAllocators(t, func(t *testing.T, alloc string) {
			rng := newRand(t)
			p := startProxy(t, addrs, "-alloc", alloc, "-max-item", "4m")
			c := memcache.New(p.Addr)
			c.Timeout = waitLimit
			defer c.Close()
			sizes := []int{0, 1, 2, 4095, 4096, 10 << 10, 100 << 10, 1<<20 + 1, 3 << 20, maxItem - 1, maxItem}
			for range 10 {
				sizes = append(sizes, 10<<10+rng.IntN(100<<10))
			}
			var items []*memcache.Item
			for i, n := range sizes {
				item := &memcache.Item{Key: fmt.Sprintf("round:%s:%d", alloc, i), Value: []byte(randomText(rng, n)),
					Flags: rng.Uint32()}
				if err := c.Set(item); err != nil {
					t.Fatalf("set of %d bytes: %v", n, err)
				}
				items = append(items, item)
			}
			for _, want := range items {
				got, err := c.Get(want.Key)
				if err != nil {
					t.Fatalf("get of %d bytes: %v", len(want.Value), err)
				}
				if got.Flags != want.Flags || !slices.Equal(got.Value, want.Value) {
					t.Errorf("%d bytes with flags %d came back as %d bytes with flags %d, checksum %08x",
						len(want.Value), want.Flags, len(got.Value), got.Flags, crc32.ChecksumIEEE(got.Value))
				}
			}
			if err := c.Delete(items[0].Key); err != nil {
				t.Errorf("delete: %v", err)
			}
			if _, err := c.Get(items[0].Key); err != memcache.ErrCacheMiss {
				t.Errorf("get after delete: %v, want a miss", err)
			}
		})
	})
}

// TestManyClients has clients work at the same time, each on keys of its own, in
// every allocator.
func TestManyClients(t *testing.T) {
	onAllocators(t, func(t *testing.T, alloc string) {
		rng := newRand(t)
		store := startStore(t, nil)
		p := startProxy(t, []string{store.Addr()}, "-alloc", alloc, "-server-conns", "4")
		text := randomText(rng, 1<<20)
		var wg sync.WaitGroup
		for worker := range 8 {
			start := rng.IntN(len(text) / 2)
			wg.Add(1)
			go func() {
				defer wg.Done()
				c := memcache.New(p.Addr)
				c.Timeout = waitLimit
				defer c.Close()
				for i := range 40 {
					key, body := fmt.Sprintf("many:%d", worker), text[start+i*100:start+i*5000+1]
					if err := c.Set(&memcache.Item{Key: key, Value: []byte(body)}); err != nil {
						t.Errorf("set: %v", err)
						return
					}
					got, err := c.Get(key)
					if err != nil || string(got.Value) != body {
						t.Errorf("%d bytes were set, and do not come back (%v)", len(body), err)
						return
					}
				}
			}()
		}
		wg.Wait()
		if n := store.Accepted(); n > 4 {
			t.Errorf("the proxy made %d connections to the server, 4 are allowed", n)
		}
	})
}

// TestMultiGet spreads keys over three servers and gets them all at once.
func TestMultiGet(t *testing.T) {
	onBackends(t, 3, func(t *testing.T, addrs []string) {
		rng := newRand(t)
		p := startProxy(t, addrs)
		c := connect(t, p.Addr)
		want := make(map[string]string)
		line := "get"
		for i := range 60 {
			key := fmt.Sprintf("multi:%d", i)
			line += " " + key
			if i%4 != 0 { // the others are misses
				want[key] = randomText(rng, rng.IntN(50_000))
				c.set(key, want[key])
			}
		}
		c.send(line + "\r\n")
		got := c.values()
		if len(got) != len(want) {
			t.Errorf("got %d values, want %d", len(got), len(want))
		}
		for key, body := range want {
			if got[key] != body {
				t.Errorf("%s has %d bytes that are not the %d set", key, len(got[key]), len(body))
			}
		}
		for i, addr := range addrs {
			direct := connect(t, addr)
			direct.send(line + "\r\n")
			if n := len(direct.values()); n == 0 || n == len(want) {
				t.Errorf("server %d has %d of %d keys: they are not spread", i, n, len(want))
			}
		}
		m := metrics(t, p)
		if hits, misses := m.number("get_hits"), m.number("get_misses"); hits != 45 || misses != 15 {
			t.Errorf("the metrics page counts %v hits, %v misses, want 45 and 15", hits, misses)
		}
	})
}

// TestGetTwice asks for one key twice in a line: memcached answers twice.
func TestGetTwice(t *testing.T) {
	onBackends(t, 1, func(t *testing.T, addrs []string) {
		c := connect(t, startProxy(t, addrs).Addr)
		c.set("twice:a", "x")
		c.send("get twice:a twice:a\r\n")
		c.expect("VALUE twice:a 0 1", "x", "VALUE twice:a 0 1", "x", "END")
	})
}

// TestGets looks that the unique number of a value comes along, and is the one
// that the server gave it.
func TestGets(t *testing.T) {
	onBackends(t, 1, func(t *testing.T, addrs []string) {
		c, direct := connect(t, startProxy(t, addrs).Addr), connect(t, addrs[0])
		var lines []string
		for range 2 {
			c.set("gets:a", "x")
			c.send("gets gets:a\r\n")
			got := c.line()
			c.expect("x", "END")
			direct.send("gets gets:a\r\n")
			if want := direct.line(); got != want {
				t.Errorf("gets through the proxy says %q, the server %q", got, want)
			}
			direct.expect("x", "END")
			if n := len(strings.Fields(got)); n != 5 {
				t.Errorf("gets answered %q, want five words", got)
			}
			lines = append(lines, got)
		}
		if lines[0] == lines[1] {
			t.Errorf("a value that was set again kept its number: %q", lines[0])
		}
	})
}
