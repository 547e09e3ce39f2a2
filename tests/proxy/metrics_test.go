package proxy

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gocmem/cmem/examples/proxy/launch"
)

// page is the metrics page as any JSON reader sees it.
type page struct {
	t      *testing.T
	fields map[string]any
}

// metrics reads p's metrics page.
func metrics(t *testing.T, p *launch.Proxy) page {
	t.Helper()
	client := http.Client{Timeout: waitLimit}
	resp, err := client.Get(p.Metrics)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "application/json" {
		t.Fatalf("the metrics page comes with %s as %s", resp.Status, kind)
	}
	pg := page{t: t}
	if err := json.NewDecoder(resp.Body).Decode(&pg.fields); err != nil {
		t.Fatal(err)
	}
	return pg
}

// lookup finds a field by its path, such as go.heap_alloc_bytes.
func (pg page) lookup(path string) (any, bool) {
	var v any = pg.fields
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = object[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// number returns a field that has to be a number.
func (pg page) number(path string) float64 {
	pg.t.Helper()
	v, _ := pg.lookup(path)
	n, ok := v.(float64)
	if !ok {
		pg.t.Fatalf("the metrics page has %v as %s, want a number", v, path)
	}
	return n
}

func TestMetrics(t *testing.T) {
	onAllocators(t, func(t *testing.T, alloc string) {
		p := startProxy(t, []string{startStore(t, nil).Addr()}, "-alloc", alloc)
		c := connect(t, p.Addr)
		body := strings.Repeat("m", 100_000)
		c.set("m:a", body)
		c.set("m:b", body)
		c.get("m:a")
		c.get("m:none")
		c.send("gets m:a m:b m:none\r\n")
		if n := len(c.values()); n != 2 {
			t.Fatalf("gets found %d of 2 keys", n)
		}
		c.send("delete m:a\r\nversion\r\nbogus\r\nget\r\nquit\r\n")
		c.expect("DELETED")
		c.line()
		c.expect("ERROR", "ERROR")
		c.expectEOF()
		eventually(t, "the client is gone from the metrics page",
			func() bool { return metrics(t, p).number("connections") == 0 })

		m := metrics(t, p)
		if m.fields["alloc"] != alloc {
			t.Errorf("alloc is %v, want %s", m.fields["alloc"], alloc)
		}
		for path, want := range map[string]float64{
			"ops.get": 2, "ops.gets": 1, "ops.set": 2, "ops.delete": 1, "ops.version": 1, "ops.quit": 1,
			"get_hits": 3, "get_misses": 2,
			"errors.client": 2, "errors.backend": 0, "errors.memory": 0,
			"live_bytes": 0, "live_blocks": 0, "allocs": 5, "frees": 5,
		} {
			if got := m.number(path); got != want {
				t.Errorf("%s is %v, want %v", path, got, want)
			}
		}
		for path, least := range map[string]float64{
			"bytes_in": 200_000, "bytes_out": 300_000, "uptime_seconds": 0, "rss_bytes": 1 << 20,
			"go.heap_alloc_bytes": 10_000, "go.heap_sys_bytes": 1 << 20, "go.heap_idle_bytes": 0, "go.heap_released_bytes": 0,
			"go.gc_cycles": 0, "go.gc_cpu_seconds": 0, "go.busy_cpu_seconds": 0, "go.gc_cpu_fraction": 0, "go.goroutines": 1,
		} {
			if got := m.number(path); got < least {
				t.Errorf("%s is %v, want at least %v", path, got, least)
			}
		}
		if _, has := m.lookup("cmem"); has != (alloc == "cmem") {
			t.Errorf("with the allocator %s, the page having cmem's numbers is %v", alloc, has)
		}
		if alloc == "cmem" {
			for _, name := range []string{"heap_sys_bytes", "heap_inuse_bytes", "heap_idle_bytes", "heap_released_bytes",
				"magazine_bytes"} {
				m.number("cmem." + name)
			}
			for name, want := range map[string]float64{"live_bytes": 0, "live_blocks": 0, "mallocs": 5, "frees": 5} {
				if got := m.number("cmem." + name); got != want {
					t.Errorf("cmem.%s is %v, want %v", name, got, want)
				}
			}
		}
	})
}
