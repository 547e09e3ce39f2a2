package proxy

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// maxItem is the proxies' limit in these tests. It is below memcached's, so that
// it is the proxy that refuses.
const maxItem = 4 << 20

var longKey = strings.Repeat("k", 251)

// exchanges are inputs with the exact answers. Each is followed by "version" and
// "quit", so the answer also shows whether the connection is still in step. "VERSION"
// in an answer stands for the whole line.
var exchanges = []struct {
	name, input, answer string
	// differs says what memcached does instead, where the proxy is another on
	// purpose.
	differs string
}{
	{"empty line", "\r\n", "ERROR\r\n", ""},
	{"bare newline", "\n", "ERROR\r\n", ""},
	{"spaces", "   \r\n", "ERROR\r\n", ""},
	{"unknown command", "bogus a b\r\n", "ERROR\r\n", ""},
	{"upper case", "GET p:a\r\n", "ERROR\r\n", ""},
	{"glued", "versionx\r\n", "ERROR\r\n", ""},
	{"command not offered", "add p:a 0 0 1\r\n1\r\n", "ERROR\r\nERROR\r\n", "stores it"},
	{"leading spaces", "  version\r\n", "VERSION\r\n", ""},
	{"line ended by newline alone", "get p:none\n", "END\r\n", ""},

	{"get without key", "get\r\n", "ERROR\r\n", ""},
	{"get without key but space", "get \r\n", "ERROR\r\n", ""},
	{"gets without key", "gets\r\n", "ERROR\r\n", ""},
	{"get of nothing", "get p:none\r\n", "END\r\n", ""},
	{"get of many", "get p:none  p:nothing \r\n", "END\r\n", ""},
	{"longest key", "get " + longKey[1:] + "\r\n", "END\r\n", ""},
	{"key too long", "get " + longKey + "\r\n", "CLIENT_ERROR bad command line format\r\n", ""},
	{"one key of many too long", "get p:a " + longKey + "\r\n", "CLIENT_ERROR bad command line format\r\n", ""},
	{"control character", "get p:\x01\r\n", "CLIENT_ERROR bad command line format\r\n", "has no objection"},
	{"tab", "get p:a\tb\r\n", "CLIENT_ERROR bad command line format\r\n", "has no objection"},
	{"NUL", "get p:a\x00b\r\n", "CLIENT_ERROR bad command line format\r\n", "takes it for the line's end"},
	{"two carriage returns", "get p:none\r\r\n", "CLIENT_ERROR bad command line format\r\n", "has no objection"},
	{"UTF-8", "get p:schlüssel\r\n", "END\r\n", ""},

	{"set", "set p:a 0 0 1\r\n1\r\nget p:a\r\n", "STORED\r\nVALUE p:a 0 1\r\n1\r\nEND\r\n", ""},
	{"set of nothing", "set p:a 0 0 0\r\n\r\nget p:a\r\n", "STORED\r\nVALUE p:a 0 0\r\n\r\nEND\r\n", ""},
	{"set flags", "set p:a 4294967295 0 1\r\n1\r\nget p:a\r\n", "STORED\r\nVALUE p:a 4294967295 1\r\n1\r\nEND\r\n", ""},
	{"set expired", "set p:a 0 -1 1\r\n1\r\nget p:a\r\n", "STORED\r\nEND\r\n", ""},
	{"set line ended by newline alone", "set p:a 0 0 1\n1\r\n", "STORED\r\n", ""},
	{"set with another fifth word", "set p:a 0 0 1 else\r\n1\r\n", "STORED\r\n", ""},
	{"body of line ends", "set p:a 0 0 4\r\n\r\n\r\n\r\nget p:a\r\n", "STORED\r\nVALUE p:a 0 4\r\n\r\n\r\n\r\nEND\r\n",
		""},
	{"set without all", "set\r\n", "ERROR\r\n", ""},
	{"set without length", "set p:a 0 0\r\n", "ERROR\r\n", ""},
	{"set with too much", "set p:a 0 0 1 noreply x\r\n", "ERROR\r\n", ""},
	{"flags no number", "set p:a x 0 1\r\n", "CLIENT_ERROR bad command line format\r\n", ""},
	{"flags negative", "set p:a -1 0 1\r\n", "CLIENT_ERROR bad command line format\r\n", ""},
	{"flags hexadecimal", "set p:a 0x1 0 1\r\n", "CLIENT_ERROR bad command line format\r\n", ""},
	{"exptime no number", "set p:a 0 x 1\r\n", "CLIENT_ERROR bad command line format\r\n", ""},
	{"length no number", "set p:a 0 0 x\r\n", "CLIENT_ERROR bad command line format\r\n", ""},
	{"length broken", "set p:a 0 0 1.5\r\n", "CLIENT_ERROR bad command line format\r\n", ""},
	{"length negative", "set p:a 0 0 -1\r\n", "CLIENT_ERROR bad command line format\r\n", ""},
	{"length beyond all", "set p:a 0 0 2147483646\r\n", "CLIENT_ERROR bad command line format\r\n", ""},
	{"length beyond 64 bits", "set p:a 0 0 99999999999999999999\r\n", "CLIENT_ERROR bad command line format\r\n", ""},
	{"set of a long key", "set " + longKey + " 0 0 1\r\n1\r\n", "CLIENT_ERROR bad command line format\r\nERROR\r\n", ""},

	{"body too long", "set p:a 0 0 3\r\nabcdef\r\n", "CLIENT_ERROR bad data chunk\r\nERROR\r\n", ""},
	{"body too short", "set p:a 0 0 5\r\nabc\r\nxx\r\n", "CLIENT_ERROR bad data chunk\r\nERROR\r\n", ""},
	{"bad chunk is not stored", "set p:b 0 0 1\r\n1\r\nset p:b 0 0 1\r\n222get p:b\r\n",
		"STORED\r\nCLIENT_ERROR bad data chunk\r\nVALUE p:b 0 1\r\n1\r\nEND\r\n", ""},

	{"noreply", "set p:a 0 0 1 noreply\r\n7\r\nget p:a\r\n", "VALUE p:a 0 1\r\n7\r\nEND\r\n", ""},
	{"noreply and spaces", "set p:a 0 0 1 noreply \r\n8\r\nget p:a\r\n", "VALUE p:a 0 1\r\n8\r\nEND\r\n", ""},
	{"noreply, bad chunk", "set p:a 0 0 3 noreply\r\nabcdef\r\n", "ERROR\r\n", ""},
	{"noreply, long key", "set " + longKey + " 0 0 1 noreply\r\n", "", ""},
	{"noreply, delete", "set p:a 0 0 1\r\n1\r\ndelete p:a noreply\r\nget p:a\r\n", "STORED\r\nEND\r\n", ""},
	{"noreply, delete of a long key", "delete " + longKey + " noreply\r\n", "", ""},
	{"noreply is for one command", "set p:a 0 0 1 noreply\r\n1\r\nset p:a 0 0 x\r\n",
		"CLIENT_ERROR bad command line format\r\n", ""},

	{"delete", "set p:a 0 0 1\r\n1\r\ndelete p:a\r\ndelete p:a\r\n", "STORED\r\nDELETED\r\nNOT_FOUND\r\n", ""},
	{"delete at 0", "delete p:none 0\r\n", "NOT_FOUND\r\n", ""},
	{"delete at 0 noreply", "delete p:none 0 noreply\r\n", "", ""},
	{"delete without key", "delete\r\n", "ERROR\r\n", ""},
	{"delete with a time", "delete p:a 1\r\n", "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n",
		""},
	{"delete with too much", "delete p:a b c d\r\n", "ERROR\r\n", ""},
	{"delete of a long key", "delete " + longKey + "\r\n", "CLIENT_ERROR bad command line format\r\n", ""},

	{"version with words", "version 1 2\r\n", "VERSION\r\n", ""},
	{"long line", strings.Repeat("x", 3000) + "\r\n", "ERROR\r\n", ""},
	{"long list of keys", "get " + strings.Repeat("p:none ", 800) + "\r\n", "END\r\n", ""},
	{"line too long", strings.Repeat("x", 70_000) + "\r\n", "CLIENT_ERROR line too long\r\n", "closes the connection"},
	{"pipelined", "set p:a 0 0 1\r\n1\r\nget p:a\r\ndelete p:a\r\nget p:a\r\nbogus\r\n",
		"STORED\r\nVALUE p:a 0 1\r\n1\r\nEND\r\nDELETED\r\nEND\r\nERROR\r\n", ""},
}

var versionLine = regexp.MustCompile(`(?m)^VERSION .*\r$`)

// answerTo returns the answer to input, with what follows it in every exchange
// taken off.
func answerTo(t *testing.T, addr, input string) string {
	t.Helper()
	out := versionLine.ReplaceAllString(transcript(t, addr, input+"version\r\nquit\r\n"), "VERSION\r")
	answer, ok := strings.CutSuffix(out, "VERSION\r\n")
	if !ok {
		t.Errorf("the connection is out of step: %.300q", out)
	}
	return answer
}

func TestProtocol(t *testing.T) {
	onBackends(t, 1, func(t *testing.T, addrs []string) {
		p := startProxy(t, addrs, "-max-item", "4m")
		for _, tt := range exchanges {
			if got := answerTo(t, p.Addr, tt.input); got != tt.answer {
				t.Errorf("%s: %.100q is answered %q, want %q", tt.name, tt.input, got, tt.answer)
			}
		}
	})
}

// TestMemcachedAnswersAlike holds the table against the original.
func TestMemcachedAnswersAlike(t *testing.T) {
	addr := memcacheds.take(t, 1)[0]
	for _, tt := range exchanges {
		if tt.differs != "" {
			continue
		}
		if got := answerTo(t, addr, tt.input); got != tt.answer {
			t.Errorf("%s: memcached answers %.100q with %q, the table says %q", tt.name, tt.input, got, tt.answer)
		}
	}
}

// TestStoreAnswersAlike does so with the store that stands in for it.
func TestStoreAnswersAlike(t *testing.T) {
	addr := startStore(t, nil).Addr()
	for _, tt := range exchanges {
		if got := answerTo(t, addr, tt.input); got != tt.answer {
			t.Errorf("%s: the store answers %.100q with %q, the table says %q", tt.name, tt.input, got, tt.answer)
		}
	}
}

// TestOversized sends bodies about the limit, and looks that one beyond it is
// refused after it was read, that it is not stored, and that the connection goes
// on.
func TestOversized(t *testing.T) {
	onBackends(t, 1, func(t *testing.T, addrs []string) {
		p := startProxy(t, addrs, "-max-item", "4m", "-alloc", "cmem")
		fits, over := strings.Repeat("f", maxItem), strings.Repeat("o", maxItem+1)
		c := connect(t, p.Addr)
		c.set("over:a", fits)
		before := metrics(t, p)
		c.send(fmt.Sprintf("set over:a 0 0 %d\r\n%s\r\n", len(over), over))
		c.expect("SERVER_ERROR object too large for cache")
		c.send(fmt.Sprintf("set over:a 0 0 %d noreply\r\n%s\r\n", len(over), over))
		if body, found := c.get("over:a"); !found || body != fits {
			t.Errorf("after a body that was refused, the key has %d bytes, %v", len(body), found)
		}
		after := metrics(t, p)
		// One block for the get; the refused bodies had none.
		if n := after.number("allocs") - before.number("allocs"); n != 1 {
			t.Errorf("two refused bodies and a get took %v blocks, want 1", n)
		}
		if n := after.number("errors.client") - before.number("errors.client"); n != 2 {
			t.Errorf("two refused bodies count as %v errors", n)
		}
	})
}

// TestOversizedInStore asks for a value that is larger than the proxy's limit,
// but came there another way: it counts as a miss.
func TestOversizedInStore(t *testing.T) {
	onBackends(t, 1, func(t *testing.T, addrs []string) {
		direct := connect(t, addrs[0])
		direct.set("big:a", strings.Repeat("b", maxItem+1))
		direct.set("big:b", "small")
		c := connect(t, startProxy(t, addrs, "-max-item", "4m").Addr)
		c.send("get big:a big:b\r\n")
		if got := c.values(); len(got) != 1 || got["big:b"] != "small" {
			t.Errorf("got %d values, big:b = %.20q, want big:b alone", len(got), got["big:b"])
		}
	})
}
