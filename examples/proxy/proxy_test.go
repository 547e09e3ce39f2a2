package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gocmem/cmem/examples/proxy/internal/buffers"
)

// TestLeakIsReported gives run a heap with a block that nobody will free.
func TestLeakIsReported(t *testing.T) {
	for _, leak := range []bool{false, true} {
		heap, err := buffers.New("make")
		if err != nil {
			t.Fatal(err)
		}
		cfg := &config{
			listen: "127.0.0.1:0", metrics: "127.0.0.1:0", servers: []string{"127.0.0.1:1"},
			maxConns: 1, serverConns: 1, grace: time.Minute,
		}
		p, err := newProxy(cfg, heap)
		if err != nil {
			t.Fatal(err)
		}
		if leak {
			if _, err := heap.Alloc(100); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		err = p.run(ctx, io.Discard)
		if leaked := err != nil && strings.Contains(err.Error(), "1 blocks, 100 bytes"); leaked != leak {
			t.Errorf("with a leak: %v; run says %v", leak, err)
		}
	}
}
