package proxy

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/gocmem/cmem/examples/proxy/memstore"
)

// noAnswer is what a set or delete gets whose server fails.
const noAnswer = "SERVER_ERROR the server of this key does not answer"

// faulty is a store whose fault can be changed, and which counts commands.
type faulty struct {
	*memstore.Server
	fault    atomic.Int64 // a memstore.Fault
	only     atomic.Value // the command it is for
	commands atomic.Int64 // of that name, since the fault was set
}

func startFaulty(t *testing.T) *faulty {
	f := new(faulty)
	f.only.Store("")
	f.Server = startStore(t, func(command string) memstore.Fault {
		if command != f.only.Load() {
			return memstore.None
		}
		f.commands.Add(1)
		return memstore.Fault(f.fault.Load())
	})
	return f
}

// set makes command fail.
func (f *faulty) set(command string, fault memstore.Fault) {
	f.commands.Store(0)
	f.fault.Store(int64(fault))
	f.only.Store(command)
}

var faults = map[string]memstore.Fault{
	"close":            memstore.Close,
	"close in body":    memstore.CloseInBody,
	"close after body": memstore.CloseAfterBody,
	"babble":           memstore.Babble,
	"wrong key":        memstore.WrongKey,
	"stall":            memstore.Stall,
}

// TestServerFailsGet has the server break off a get in every way: the client gets
// a miss and nothing of the broken body, and once the server is well, everything.
func TestServerFailsGet(t *testing.T) {
	onAllocators(t, func(t *testing.T, alloc string) {
		for name, fault := range faults {
			t.Run(name, func(t *testing.T) {
				store := startFaulty(t)
				p := startProxy(t, []string{store.Addr()}, "-alloc", alloc, "-server-timeout", "1s", "-down-for", "0")
				c := connect(t, p.Addr)
				body := strings.Repeat("b", 300_000)
				c.set("f:a", body)
				store.set("get", fault)
				if got, found := c.get("f:a"); found {
					t.Errorf("got %d bytes of a server that failed", len(got))
				}
				asked := int64(1)
				if fault == memstore.Close {
					asked = 2 // the connection looked stale
				}
				if n := store.commands.Load(); n != asked {
					t.Errorf("the server was asked %d times, want %d", n, asked)
				}
				if n := metrics(t, p).number("errors.backend"); n != 1 {
					t.Errorf("the metrics page counts %v failures of the server, want 1", n)
				}
				store.set("", memstore.None)
				if got, found := c.get("f:a"); !found || got != body {
					t.Errorf("after the fault there are %d bytes of %d", len(got), len(body))
				}
				if n := metrics(t, p).number("live_blocks"); n != 0 {
					t.Errorf("%v blocks are live and nothing runs", n)
				}
			})
		}
	})
}

// TestServerFailsSet does the same to sets and deletes, which must not be tried
// twice.
func TestServerFailsSet(t *testing.T) {
	onAllocators(t, func(t *testing.T, alloc string) {
		for _, command := range []string{"set", "delete"} {
			for name, fault := range faults {
				if fault == memstore.CloseAfterBody || fault == memstore.WrongKey || command == "delete" &&
					fault == memstore.CloseInBody {
					continue // of a get only
				}
				t.Run(command+" "+name, func(t *testing.T) {
					store := startFaulty(t)
					p := startProxy(t, []string{store.Addr()}, "-alloc", alloc, "-server-timeout", "1s", "-down-for", "0")
					c := connect(t, p.Addr)
					c.set("f:a", "before")
					store.set(command, fault)
					if command == "set" {
						c.send(fmt.Sprintf("set f:a 0 0 300000\r\n%s\r\n", strings.Repeat("b", 300_000)))
					} else {
						c.send("delete f:a\r\n")
					}
					c.expect(noAnswer)
					if n := store.commands.Load(); n != 1 {
						t.Errorf("the server got the %s %d times", command, n)
					}
					store.set("", memstore.None)
					c.set("f:a", "after")
					if got, _ := c.get("f:a"); got != "after" {
						t.Errorf("after the fault the key has %.20q", got)
					}
				})
			}
		}
	})
}

// TestStaleConnection has the server close a connection that it has answered on
// before, as one does that was restarted: a get goes through over a new one, a
// set does not, but the next does.
func TestStaleConnection(t *testing.T) {
	var dropped, fail atomic.Bool
	store := startStore(t, func(string) memstore.Fault {
		if fail.Load() && dropped.CompareAndSwap(false, true) {
			return memstore.Close
		}
		return memstore.None
	})
	p := startProxy(t, []string{store.Addr()})
	c := connect(t, p.Addr)
	c.set("s:a", "x")
	fail.Store(true)
	if got, found := c.get("s:a"); !found || got != "x" || !dropped.Load() {
		t.Errorf("a get over a stale connection gave %q, %v", got, found)
	}
	if n := store.Accepted(); n != 2 {
		t.Errorf("the proxy made %d connections, want 2", n)
	}
	if n := metrics(t, p).number("errors.backend"); n != 0 {
		t.Errorf("the metrics page counts %v failures of the server, want none", n)
	}
	dropped.Store(false)
	c.send("set s:a 0 0 1\r\ny\r\n")
	c.expect(noAnswer)
	c.set("s:a", "z")
}

// TestGetIsRetriedOnce has the server close every connection on a get.
func TestGetIsRetriedOnce(t *testing.T) {
	store := startFaulty(t)
	c := connect(t, startProxy(t, []string{store.Addr()}).Addr)
	c.set("s:a", "x")
	store.set("get", memstore.Close)
	if _, found := c.get("s:a"); found {
		t.Error("got a value of a server that closes every connection")
	}
	if n := store.commands.Load(); n != 2 {
		t.Errorf("the server got the get %d times, want 2", n)
	}
}

// TestDeadServer kills one of three memcached servers: its keys become misses and
// cannot be set, the others' are served as before, and when it is back at its
// address it is used again.
func TestDeadServer(t *testing.T) {
	stores := []*memstore.Server{startStore(t, nil), startStore(t, nil), startStore(t, nil)}
	var addrs []string
	for _, s := range stores {
		addrs = append(addrs, s.Addr())
	}
	p := startProxy(t, addrs, "-down-for", "50ms")
	c := connect(t, p.Addr)
	line := "get"
	for i := range 60 {
		key := fmt.Sprintf("dead:%d", i)
		line += " " + key
		c.set(key, key)
	}
	direct := connect(t, addrs[1])
	direct.send(line + "\r\n")
	lost := direct.values()
	if len(lost) == 0 {
		t.Fatal("the second server has no key")
	}
	direct.Close()
	if err := stores[1].Close(); err != nil {
		t.Fatal(err)
	}

	c.send(line + "\r\n")
	if got := c.values(); len(got) != 60-len(lost) {
		t.Errorf("got %d values, want the %d of the living servers", len(got), 60-len(lost))
	}
	for key := range lost {
		c.send("set " + key + " 0 0 1\r\nx\r\ndelete " + key + "\r\n")
		c.expect(noAnswer, noAnswer)
	}
	if n := metrics(t, p).number("errors.backend"); n < float64(len(lost)) {
		t.Errorf("the metrics page counts %v failures of the server, want at least %d", n, len(lost))
	}

	back, err := memstore.Listen(addrs[1], memstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	for key := range lost {
		eventually(t, "the server that is back is used", func() bool {
			c.send("set " + key + " 0 0 1\r\nx\r\n")
			return c.line() == "STORED"
		})
	}
}

// TestMemcachedKilled kills a real memcached by SIGKILL, with its connections in
// the proxy's pool.
func TestMemcachedKilled(t *testing.T) {
	process, addr := startMemcached(t, 64)
	defer process.Stop(waitLimit)
	c := connect(t, startProxy(t, []string{addr}).Addr)
	c.set("k:a", strings.Repeat("k", 1<<20))
	if err := process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-process.Ended()
	if got, found := c.get("k:a"); found {
		t.Errorf("got %d bytes of a server that was killed", len(got))
	}
	c.send("set k:a 0 0 1\r\nx\r\nversion\r\n")
	c.expect(noAnswer)
	if line := c.line(); !strings.HasPrefix(line, "VERSION ") {
		t.Errorf("got %q, want the version", line)
	}
}

// TestClientLeavesInBody has a client send half a body and go away.
func TestClientLeavesInBody(t *testing.T) {
	onAllocators(t, func(t *testing.T, alloc string) {
		p := startProxy(t, []string{startStore(t, nil).Addr()}, "-alloc", alloc)
		for _, command := range []string{"set l:a 0 0 1000000\r\n", "set l:a 0 0 20000000\r\n", "get l:a"} {
			c := connect(t, p.Addr)
			c.send(command + strings.Repeat("x", 100_000))
			eventually(t, "the client is on the metrics page", func() bool { return metrics(t, p).number("connections") == 1 })
			if strings.Contains(command, " 1000000\r") {
				eventually(t, "its body has a block", func() bool { return metrics(t, p).number("live_blocks") == 1 })
			}
			c.Close()
			eventually(t, "the client is gone", func() bool { return metrics(t, p).number("connections") == 0 })
			if n := metrics(t, p).number("live_blocks"); n != 0 {
				t.Errorf("%v blocks are live after the client left", n)
			}
		}
	})
}

// TestClientDoesNotRead has a client ask for much, take nothing, and go away, by
// single gets and by one for many servers.
func TestClientDoesNotRead(t *testing.T) {
	onAllocators(t, func(t *testing.T, alloc string) {
		var addrs []string
		for range 3 {
			addrs = append(addrs, startStore(t, nil).Addr())
		}
		p := startProxy(t, addrs, "-alloc", alloc)
		setter := connect(t, p.Addr)
		keys := ""
		for i := range 8 {
			keys += fmt.Sprintf(" r:%d", i)
			setter.set(fmt.Sprintf("r:%d", i), strings.Repeat("r", 3<<20))
		}
		setter.Close()
		for _, input := range []string{strings.Repeat("get r:0\r\n", 20), "get" + keys + "\r\n"} {
			c := connect(t, p.Addr)
			c.send(input)
			if _, err := io.ReadFull(c.r, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			// The client now reads no more; with 20 MB before it, the proxy
			// comes to a halt with a body in its hands.
			eventually(t, "a body waits for the client", func() bool { return metrics(t, p).number("live_blocks") >= 1 })
			c.Close()
			eventually(t, "the client is gone", func() bool { return metrics(t, p).number("connections") == 0 })
			if n := metrics(t, p).number("live_blocks"); n != 0 {
				t.Errorf("%v blocks are live after the client left", n)
			}
		}
	})
}

// TestDownFor has a server that refuses connections be left alone: it comes up,
// and is not tried.
func TestDownFor(t *testing.T) {
	store := startStore(t, nil)
	addr := store.Addr()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	c := connect(t, startProxy(t, []string{addr}, "-down-for", "1h").Addr)
	if _, found := c.get("d:a"); found {
		t.Error("got a value where no server is")
	}
	back, err := memstore.Listen(addr, memstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	c.send("set d:a 0 0 1\r\nx\r\n")
	c.expect(noAnswer)
	if n := back.Accepted(); n != 0 {
		t.Errorf("the proxy made %d connections to a server that is to be left alone", n)
	}
}

// TestStalledServerIsDown has a server accept connections and not answer.
func TestStalledServerIsDown(t *testing.T) {
	store := startFaulty(t)
	p := startProxy(t, []string{store.Addr()}, "-server-timeout", "1s", "-down-for", "1h")
	c := connect(t, p.Addr)
	store.set("get", memstore.Stall)
	for range 3 {
		if _, found := c.get("d:a"); found {
			t.Error("got a value of a server that does not answer")
		}
	}
	if n := store.commands.Load(); n != 1 {
		t.Errorf("the server was asked %d times, want once", n)
	}
}

// TestClientTimeout has clients that stay, but neither go on with their body nor
// take what they asked for: they are cut off.
func TestClientTimeout(t *testing.T) {
	onAllocators(t, func(t *testing.T, alloc string) {
		store := startStore(t, nil)
		connect(t, store.Addr()).set("t:a", strings.Repeat("t", 3<<20))
		p := startProxy(t, []string{store.Addr()}, "-alloc", alloc, "-client-timeout", "200ms")
		for _, tt := range []struct{ command, input string }{
			{"ops.set", "set t:b 0 0 1000000\r\n" + strings.Repeat("x", 100_000)},
			{"ops.set", "set t:b 0 0 20000000\r\n" + strings.Repeat("x", 100_000)}, // refused, to be read away
			{"ops.get", strings.Repeat("get t:a\r\n", 20)},
		} {
			before := metrics(t, p).number(tt.command)
			connect(t, p.Addr).send(tt.input)
			eventually(t, "the client is served", func() bool { return metrics(t, p).number(tt.command) > before })
			eventually(t, "the client is cut off", func() bool { return metrics(t, p).number("connections") == 0 })
		}
		if n := metrics(t, p).number("live_blocks"); n != 0 {
			t.Errorf("%v blocks are live after the clients were cut off", n)
		}
	})
}

// TestNoMemory takes the address space away that a body needs: the client is told
// so, and everything else goes on.
func TestNoMemory(t *testing.T) {
	if len(buildFlags) > 0 {
		t.Skipf("programs built with %q need all the address space", buildFlags)
	}
	onAllocators(t, func(t *testing.T, alloc string) {
		if alloc != "cmem" || !withCgo {
			t.Skip("Go's heap, and C.malloc as cgo has it, end the process when there is no memory")
		}
		const size, room = 400 << 20, 256 << 20
		p := startProxy(t, []string{startStore(t, nil).Addr()}, "-alloc", alloc, "-max-item", "1g")
		c := connect(t, p.Addr)
		c.set("n:a", "before")
		proc, err := procfs.NewProc(p.PID())
		if err != nil {
			t.Fatal(err)
		}
		stat, err := proc.Stat()
		if err != nil {
			t.Fatal(err)
		}
		limit := unix.Rlimit{Cur: uint64(stat.VirtualMemory()) + room, Max: unix.RLIM_INFINITY}
		if err := unix.Prlimit(p.PID(), unix.RLIMIT_AS, &limit, nil); err != nil {
			t.Fatal(err)
		}
		c.send(fmt.Sprintf("set n:a 0 0 %d\r\n", size))
		chunk := strings.Repeat("n", 1<<20)
		for range size / len(chunk) {
			c.send(chunk)
		}
		c.send("\r\n")
		c.expect("SERVER_ERROR out of memory storing object")
		if body, _ := c.get("n:a"); body != "before" {
			t.Errorf("after a body that there was no memory for, the key has %.20q", body)
		}
		if n := metrics(t, p).number("errors.memory"); n != 1 {
			t.Errorf("the metrics page counts %v bodies without memory, want 1", n)
		}
	})
}
