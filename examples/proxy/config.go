package main

import (
	"flag"
	"fmt"
	"math"
	"net"
	"strings"
	"time"

	"github.com/gocmem/cmem/examples/proxy/internal/buffers"
	"github.com/gocmem/cmem/examples/proxy/internal/cli"
	"github.com/gocmem/cmem/examples/proxy/internal/memproto"
)

// config is what the flags say.
type config struct {
	listen        string
	metrics       string
	servers       []string
	alloc         string
	maxItem       int // bytes of the largest body
	maxConns      int
	serverConns   int
	clientTimeout time.Duration
	serverTimeout time.Duration
	downFor       time.Duration
	grace         time.Duration
	hold          cli.Span
}

// parseFlags reads the command line, and ends the program if it is wrong.
func parseFlags() *config {
	cfg := &config{}
	maxItem := cli.Size(8 << 20)
	var servers string
	fs := flag.NewFlagSet("proxy", flag.ContinueOnError)
	fs.StringVar(&cfg.listen, "listen", "127.0.0.1:11311", "address for clients, `host:port`; port 0 takes a free one")
	fs.StringVar(&cfg.metrics, "metrics", "127.0.0.1:0", "address of the metrics page, `host:port`")
	fs.StringVar(&servers, "servers", "127.0.0.1:11211", "memcached servers, a comma-separated list of `host:port`")
	fs.StringVar(&cfg.alloc, "alloc", "cmem", "where bodies live: "+strings.Join(buffers.Names(), ", "))
	fs.Var(&maxItem, "max-item", "largest body, a `size` such as 8m; memcached's own limit is set by its -I")
	fs.IntVar(&cfg.maxConns, "max-conns", 1024, "most clients at once; more wait to be accepted")
	fs.IntVar(&cfg.serverConns, "server-conns", 16, "most connections to each server")
	fs.DurationVar(&cfg.clientTimeout, "client-timeout", 30*time.Second,
		"most time a client may take to send or accept a body")
	fs.DurationVar(&cfg.serverTimeout, "server-timeout", 5*time.Second,
		"most time a server may take for a connection, a line or a body")
	fs.DurationVar(&cfg.downFor, "down-for", time.Second, "how long a server that does not answer is left alone")
	fs.DurationVar(&cfg.grace, "grace", 5*time.Second, "most time that running commands get at shutdown")
	fs.Var(&cfg.hold, "hold",
		"keep each body so long before passing it on, a `span` such as 5ms-20ms, to stand for slow clients")
	cli.Parse(fs, func() error {
		cfg.maxItem, cfg.servers = int(maxItem), strings.Split(servers, ",")
		return cfg.check()
	})
	return cfg
}

// check finds the mistakes that a flag alone does not show.
func (c *config) check() error {
	for _, addr := range []struct{ name, value string }{{"listen", c.listen}, {"metrics", c.metrics}} {
		if _, _, err := net.SplitHostPort(addr.value); err != nil {
			return fmt.Errorf("-%s %q: expected host:port", addr.name, addr.value)
		}
	}
	seen := make(map[string]bool)
	for _, addr := range c.servers {
		if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
			return fmt.Errorf("-servers %q: expected host:port", addr)
		}
		if seen[addr] {
			return fmt.Errorf("-servers: %q is there twice", addr)
		}
		seen[addr] = true
	}
	if c.maxItem > memproto.MaxBody {
		return fmt.Errorf("-max-item %d: expected at most %d bytes", c.maxItem, memproto.MaxBody)
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"max-conns", c.maxConns}, {"server-conns", c.serverConns}} {
		if n.value < 1 || n.value > math.MaxInt32 {
			return fmt.Errorf("-%s %d: expected at least 1", n.name, n.value)
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"client-timeout", c.clientTimeout}, {"server-timeout", c.serverTimeout}, {"grace", c.grace}} {
		if d.value <= 0 {
			return fmt.Errorf("-%s %v: expected a duration above 0", d.name, d.value)
		}
	}
	if c.downFor < 0 {
		return fmt.Errorf("-down-for %v: expected a duration, or 0 to try a dead server at once", c.downFor)
	}
	return nil
}
