// Command proxy stands between clients and memcached servers. It speaks
// memcached's text protocol, gives each key its server by consistent hashing,
// and holds each body whole in one buffer from an allocator that a flag chooses.
// It is here to show what that choice costs in memory and time; README.md beside
// it says how to run and read it.
//
// Its exit status is 0 after a clean shutdown, 1 after a failure or if a buffer
// was never freed, and 2 for flags that make no sense.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gocmem/cmem/examples/proxy/internal/buffers"
	"github.com/gocmem/cmem/examples/proxy/internal/cli"
	"github.com/gocmem/cmem/internal/ending"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("proxy: ")
	cfg := parseFlags()
	heap, err := buffers.New(cfg.alloc)
	if err != nil {
		log.Printf("-alloc: %v", err)
		os.Exit(cli.ExitUsage)
	}
	ctx, stop := ending.Context()
	defer stop()
	p, err := newProxy(cfg, heap)
	if err == nil {
		err = p.run(ctx, os.Stdout)
	}
	if err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

// pageTimeout is the most that a reader of the metrics page may take.
const pageTimeout = 10 * time.Second

// run listens, serves until ctx is done, and shuts down. It tells out where it
// listens, and at the end what is left on the heap, which has to be nothing.
func (p *proxy) run(ctx context.Context, out io.Writer) error {
	clients, err := net.Listen("tcp", p.cfg.listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	defer clients.Close()
	readers, err := net.Listen("tcp", p.cfg.metrics)
	if err != nil {
		return fmt.Errorf("-metrics: %w", err)
	}
	defer readers.Close()
	page, err := newMetricsPage(p)
	if err != nil {
		return err
	}
	pages := &http.Server{Handler: page.handler(), ReadTimeout: pageTimeout, WriteTimeout: pageTimeout}
	defer pages.Close()
	go func() {
		if err := pages.Serve(readers); !errors.Is(err, http.ErrServerClosed) {
			log.Printf("metrics page: %v", err)
		}
	}()

	fmt.Fprintf(out, "proxy: ready listen=%s metrics=http://%s/metrics alloc=%s servers=%d\n",
		clients.Addr(), readers.Addr(), p.heap.Name(), len(p.ring.servers))
	context.AfterFunc(ctx, func() { clients.Close() })
	serving, abort := context.WithCancel(context.Background())
	defer abort()
	p.serve(serving, clients, ctx.Done())
	p.shutdown(abort)

	left := p.heap.Counts()
	fmt.Fprintf(out, "proxy: stopped live_blocks=%d live_bytes=%d allocs=%d\n", left.LiveBlocks, left.LiveBytes,
		left.Allocs)
	if left.LiveBlocks != 0 || left.LiveBytes != 0 {
		return fmt.Errorf("%d blocks, %d bytes were never freed", left.LiveBlocks, left.LiveBytes)
	}
	return nil
}
