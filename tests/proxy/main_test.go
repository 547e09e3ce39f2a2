// Package proxy tests examples/proxy from outside: it builds the programs, runs
// them before a real memcached and before an in-process store that can be told to
// misbehave, and looks at what clients get.
//
// Every proxy that a test starts has to end with exit status 0 and no live block,
// so each test is one for leaks, too. Built with -race or -asan, the tests build
// the programs alike.
package proxy

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gocmem/cmem/examples/proxy/launch"
	"github.com/gocmem/cmem/examples/proxy/memstore"
)

var (
	buildFlags []string // that this test binary was built with
	withCgo    = true

	proxyBin, loadgenBin, demoBin string
	memcacheds                    memcachedPool
)

// waitLimit bounds every wait. Reaching it is a failure; no test measures time.
const waitLimit = 30 * time.Second

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cmem-proxy-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// By default a program built with -race sleeps for a second at its end.
	os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
	const from = "github.com/gocmem/cmem/examples/proxy"
	args := append([]string{"build", "-o", dir}, buildFlags...)
	if out, err := exec.Command("go", append(args, from, from+"/loadgen", from+"/demo")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	proxyBin, loadgenBin, demoBin = filepath.Join(dir, "proxy"), filepath.Join(dir, "loadgen"), filepath.Join(dir, "demo")
	defer memcacheds.stop()
	return m.Run()
}

// memcachedPool holds the memcached servers that the tests share; each test has
// keys of its own.
type memcachedPool struct {
	mu        sync.Mutex
	processes []*launch.Process
	addrs     []string
}

// take returns the addresses of n servers, or skips the test.
func (p *memcachedPool) take(t *testing.T, n int) []string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.addrs) < n {
		process, addr := startMemcached(t, 256)
		p.processes, p.addrs = append(p.processes, process), append(p.addrs, addr)
	}
	return p.addrs[:n:n]
}

// startMemcached starts a server with that many megabytes, or skips the test where there is no such program.
func startMemcached(t *testing.T, memoryMB int) (process *launch.Process, addr string) {
	t.Helper()
	process, addr, err := launch.Memcached("memcached", memoryMB)
	if errors.Is(err, launch.ErrNoMemcached) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return process, addr
}

func (p *memcachedPool) stop() {
	for _, process := range p.processes {
		process.Stop(waitLimit)
	}
}

// onBackends runs test before n memcached servers and before n stores.
func onBackends(t *testing.T, n int, test func(t *testing.T, addrs []string)) {
	t.Run("memcached", func(t *testing.T) { test(t, memcacheds.take(t, n)) })
	t.Run("store", func(t *testing.T) {
		var addrs []string
		for range n {
			addrs = append(addrs, startStore(t, nil).Addr())
		}
		test(t, addrs)
	})
}

// startStore starts a store for the test, which fails as fault says.
func startStore(t *testing.T, fault func(command string) memstore.Fault) *memstore.Server {
	t.Helper()
	s, err := memstore.Listen("127.0.0.1:0", memstore.Options{Fault: fault})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// onAllocators runs test with each allocator that the build has, in parallel.
func onAllocators(t *testing.T, test func(t *testing.T, alloc string)) {
	for _, alloc := range []string{"make", "pool", "raw", "cmem"} {
		t.Run(alloc, func(t *testing.T) {
			t.Parallel()
			if alloc == "raw" && !withCgo {
				t.Skip("raw needs cgo")
			}
			test(t, alloc)
		})
	}
}

// startProxy starts a proxy with the given flags before servers. At the end of
// the test it is stopped and has to be clean, unless the test did that itself.
func startProxy(t *testing.T, servers []string, flags ...string) *launch.Proxy {
	t.Helper()
	p, err := launch.StartProxy(proxyBin, append([]string{"-servers", strings.Join(servers, ",")}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { checkStop(t, p) })
	return p
}

// checkStop stops p and looks at how it ended.
func checkStop(t *testing.T, p *launch.Proxy) {
	t.Helper()
	if err := p.Stop(waitLimit); err != nil {
		t.Errorf("%v; it printed:\n%s", err, p.Output())
	}
	if !strings.Contains(p.Output(), "proxy: stopped live_blocks=0 live_bytes=0 ") {
		t.Errorf("the proxy did not report an empty heap; it printed:\n%s", p.Output())
	}
}

// client is a connection that fails the test when something goes wrong with it.
type client struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func connect(t *testing.T, addr string) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, waitLimit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(waitLimit)); err != nil {
		t.Fatal(err)
	}
	return &client{t, conn, bufio.NewReader(conn)}
}

// send writes s.
func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, s); err != nil {
		c.t.Fatal(err)
	}
}

// line reads one line and returns it without its end.
func (c *client) line() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("read a line: %v, after %q", err, line)
	}
	return strings.TrimSuffix(line, "\r\n")
}

// expect reads as many lines as there are in want, and compares them.
func (c *client) expect(want ...string) {
	c.t.Helper()
	for _, w := range want {
		if got := c.line(); got != w {
			c.t.Fatalf("got the line %.200q, want %.200q", got, w)
		}
	}
}

// set stores body under key.
func (c *client) set(key, body string) {
	c.t.Helper()
	c.send(fmt.Sprintf("set %s 0 0 %d\r\n%s\r\n", key, len(body), body))
	c.expect("STORED")
}

// values reads the answer to a get or gets, and returns the bodies by key. No key
// may come twice.
func (c *client) values() map[string]string {
	c.t.Helper()
	got := make(map[string]string)
	for {
		line := c.line()
		if line == "END" {
			return got
		}
		var key string
		var flags, length int
		if _, err := fmt.Sscanf(line, "VALUE %s %d %d", &key, &flags, &length); err != nil {
			c.t.Fatalf("got the line %.200q, want VALUE or END", line)
		}
		if _, twice := got[key]; twice {
			c.t.Fatalf("the key %s came twice", key)
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(c.r, body); err != nil {
			c.t.Fatal(err)
		}
		got[key] = string(body)
		c.expect("")
	}
}

// get fetches one key.
func (c *client) get(key string) (body string, found bool) {
	c.t.Helper()
	c.send("get " + key + "\r\n")
	body, found = c.values()[key]
	return body, found
}

// expectEOF waits until the other side closes the connection, which must have
// nothing more to say.
func (c *client) expectEOF() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		c.t.Fatalf("got %d bytes (%.100q) and %v, want the end of the connection", len(rest), rest, err)
	}
}

// transcript sends input, which must make the server close the connection, and
// returns all that comes back.
func transcript(t *testing.T, addr, input string) string {
	t.Helper()
	c := connect(t, addr)
	go io.WriteString(c.Conn, input) // the answer may begin before all of it is sent
	out, err := io.ReadAll(c.r)
	if err != nil {
		t.Fatalf("after %.200q: %v", out, err)
	}
	return string(out)
}

// eventually polls until ok returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for limit := time.Now().Add(waitLimit); !ok(); time.Sleep(pollInterval) {
		if time.Now().After(limit) {
			t.Fatalf("%v passed, and still not: %s", waitLimit, what)
		}
	}
}

const pollInterval = 2 * time.Millisecond

// newRand is seeded by CMEM_SEED or the time; its seed is in the log.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("CMEM_SEED"); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatalf("CMEM_SEED=%q: expected an unsigned integer", v)
		}
	}
	t.Logf("CMEM_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// randomText returns n bytes of all values, line ends among them.
func randomText(rng *rand.Rand, n int) string {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, rng.Uint64())
	}
	return string(b[:n])
}

// run runs a program to its end and returns what it printed and its exit status.
func run(t *testing.T, program string, args ...string) (output string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*waitLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return string(out), exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	return string(out), 0
}
