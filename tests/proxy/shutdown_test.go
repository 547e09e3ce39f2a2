package proxy

import (
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestShutdown ends a proxy that has idle clients, and a client within a body: the
// idle ones see the end at once, the other one can finish its command first.
func TestShutdown(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			onAllocators(t, func(t *testing.T, alloc string) {
				p := startProxy(t, []string{startStore(t, nil).Addr()}, "-alloc", alloc, "-grace", waitLimit.String())
				fresh, used, busy := connect(t, p.Addr), connect(t, p.Addr), connect(t, p.Addr)
				used.set("d:a", "x")
				busy.send("set d:b 0 0 1000000\r\n" + strings.Repeat("x", 500_000))
				eventually(t, "all clients are served", func() bool {
					m := metrics(t, p)
					return m.number("connections") == 3 && m.number("live_blocks") == 1
				})
				if err := p.Signal(sig); err != nil {
					t.Fatal(err)
				}
				fresh.expectEOF()
				used.expectEOF()
				if c, err := net.Dial("tcp", p.Addr); err == nil {
					c.Close()
					t.Error("the proxy still listens")
				}
				busy.send(strings.Repeat("x", 500_000) + "\r\n")
				busy.expect("STORED")
				busy.expectEOF()
				<-p.Ended()
				checkStop(t, p)
			})
		})
	}
}

// TestShutdownByForce has clients that never finish: one within its body, one that
// does not read, one that waits for a server that does not answer.
func TestShutdownByForce(t *testing.T) {
	onAllocators(t, func(t *testing.T, alloc string) {
		store := startFaulty(t)
		p := startProxy(t, []string{store.Addr()}, "-alloc", alloc, "-grace", "100ms", "-server-timeout", "1s")
		sender, reader, waiter := connect(t, p.Addr), connect(t, p.Addr), connect(t, p.Addr)
		reader.set("d:a", strings.Repeat("x", 3<<20))
		sender.send("set d:b 0 0 1000000\r\n" + strings.Repeat("x", 500_000))
		reader.send(strings.Repeat("get d:a\r\n", 20))
		store.set("gets", 0)
		store.fault.Store(int64(faults["stall"]))
		waiter.send("gets d:a\r\n")
		eventually(t, "all of them are stuck", func() bool {
			return metrics(t, p).number("live_blocks") >= 2 && store.commands.Load() == 1
		})
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-p.Ended()
		checkStop(t, p)
		if !strings.Contains(p.Output(), "cutting off clients") {
			t.Errorf("the proxy does not tell that it cut clients off; it printed:\n%s", p.Output())
		}
	})
}

// TestMaxConns fills a proxy: one client more has to wait, and a full proxy can be
// shut down.
func TestMaxConns(t *testing.T) {
	p := startProxy(t, []string{startStore(t, nil).Addr()}, "-max-conns", "2")
	first, second := connect(t, p.Addr), connect(t, p.Addr)
	first.set("c:a", "1")
	second.set("c:a", "2")
	third := connect(t, p.Addr) // the kernel accepts it, the proxy does not
	third.send("get c:a\r\n")
	first.set("c:a", "3")
	if n := metrics(t, p).number("connections"); n != 2 {
		t.Errorf("%v clients are served, want 2", n)
	}
	first.Close()
	third.expect("VALUE c:a 0 1", "3", "END")
	checkStop(t, p)
}

// TestHold has bodies be held for longer than anyone waits: they are live for that
// time, and a shutdown by force does not wait for them.
func TestHold(t *testing.T) {
	onAllocators(t, func(t *testing.T, alloc string) {
		addr := startStore(t, nil).Addr()
		connect(t, addr).set("h:a", strings.Repeat("h", 1000))
		p := startProxy(t, []string{addr}, "-alloc", alloc, "-hold", "1h-2h", "-grace", "10ms")
		setter, getter := connect(t, p.Addr), connect(t, p.Addr)
		setter.send("set h:b 0 0 1000\r\n" + strings.Repeat("h", 1000) + "\r\n")
		getter.send("get h:a\r\n")
		eventually(t, "two bodies are held", func() bool { return metrics(t, p).number("live_bytes") == 2*1002 })
		checkStop(t, p)
	})
}
