package migrate

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gocmem/cmem/cmem"
)

// noLeak fails the test where buffers are live at its end that were not at its start. Tests that use it may not run in
// parallel with others.
func noLeak(t *testing.T) {
	t.Helper()
	var before cmem.Stats
	cmem.ReadStats(&before)
	t.Cleanup(func() {
		var after cmem.Stats
		cmem.ReadStats(&after)
		if n := int64(after.LiveBlocks - before.LiveBlocks); n != 0 {
			t.Errorf("%d buffers of %d bytes were not freed", n, int64(after.LiveBytes-before.LiveBytes))
		}
		if n := after.NetFrees - before.NetFrees; n != 0 {
			t.Errorf("%d buffers of %d bytes were lost, and freed by the net", n, after.NetFreedBytes-before.NetFreedBytes)
		}
	})
}

// sides are before and after. Their bodies are copied, so that both have the same type.
var sides = []struct {
	name   string
	read   func(io.Reader) ([]byte, error)
	escape func([]byte) []byte
	relay  func(io.Writer, io.Reader) error
}{
	{"make", ReadFrameMake, EscapeMake, RelayMake},
	{"cmem",
		func(r io.Reader) ([]byte, error) {
			b, err := ReadFrame(r)
			defer cmem.Free(b)
			return bytes.Clone(b), err
		},
		func(body []byte) []byte {
			own := cmem.Alloc(len(body))
			copy(own, body)
			b := Escape(own)
			defer cmem.Free(b)
			return bytes.Clone(b)
		},
		Relay},
}

const frames = "\x00\x00\x00\x05hello\x00\x00\x00\x00\x00\x00\x00\x03a\x00b"

func TestReadFrame(t *testing.T) {
	for _, side := range sides {
		t.Run(side.name, func(t *testing.T) {
			noLeak(t)
			r := strings.NewReader(frames)
			for _, want := range []string{"hello", "", "a\x00b"} {
				if got, err := side.read(r); err != nil || string(got) != want {
					t.Errorf("%q, %v, want %q", got, err, want)
				}
			}
			for _, tt := range []struct {
				text string
				want error
			}{
				{"", io.EOF},
				{"\x00\x00", io.ErrUnexpectedEOF},
				{"\x00\x00\x00\x05hell", io.ErrUnexpectedEOF},
				{"\xff\xff\xff\xff", ErrTooLarge},
			} {
				if got, err := side.read(strings.NewReader(tt.text)); len(got) != 0 || !errors.Is(err, tt.want) {
					t.Errorf("of %q: %q, %v, want %v", tt.text, got, err, tt.want)
				}
			}
		})
	}
}

func TestEscape(t *testing.T) {
	for _, side := range sides {
		t.Run(side.name, func(t *testing.T) {
			noLeak(t)
			for body, want := range map[string]string{
				"": "", "plain": "plain", "\x00": "\x00\x00", "a\x00b": "a\x00\x00b", "\x00a\x00\x00": "\x00\x00a\x00\x00\x00\x00",
				strings.Repeat("\x00", 1000): strings.Repeat("\x00", 2000),
			} {
				if got := side.escape([]byte(body)); string(got) != want {
					t.Errorf("%q becomes %q, want %q", body, got, want)
				}
			}
		})
	}
}

// A fullDisk takes some bytes.
type fullDisk struct{ room int }

var errFull = errors.New("full")

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.room -= len(b); d.room < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// TestRelay has a good end, a writer that fails with frames in the queue, and a reader that ends in a frame.
func TestRelay(t *testing.T) {
	const escaped = "\x00\x00\x00\x05hello\x00\x00\x00\x00\x00\x00\x00\x04a\x00\x00b"
	for _, side := range sides {
		t.Run(side.name, func(t *testing.T) {
			noLeak(t)
			var out bytes.Buffer
			if err := side.relay(&out, strings.NewReader(frames)); err != nil || out.String() != escaped {
				t.Errorf("%q, %v, want %q", out.String(), err, escaped)
			}
			if err := side.relay(&fullDisk{20}, strings.NewReader(strings.Repeat(frames, 100))); err != errFull {
				t.Errorf("a writer that fails: %v, want %v", err, errFull)
			}
			if err := side.relay(io.Discard, strings.NewReader(frames[:len(frames)-1])); err != io.ErrUnexpectedEOF {
				t.Errorf("a frame cut short: %v, want %v", err, io.ErrUnexpectedEOF)
			}
		})
	}
}

// TestCache reads a body that was replaced. Both kinds of cache may be read so.
func TestCache(t *testing.T) {
	noLeak(t)
	var before CacheMake
	before.Put("a", []byte("old"))
	old := before.Get("a")
	before.Put("a", []byte("new"))
	if string(old) != "old" || string(before.Get("a")) != "new" || before.Get("b") != nil {
		t.Errorf("make: %q, %q, %q", old, before.Get("a"), before.Get("b"))
	}

	var after Cache
	after.Put("a", []byte("old"))
	handle := after.Get("a")
	after.Put("a", []byte("new"))
	if string(handle.Bytes()) != "old" || string(after.Get("a").Bytes()) != "new" || after.Get("b").Bytes() != nil {
		t.Errorf("cmem: %q, %q, %q", handle.Bytes(), after.Get("a").Bytes(), after.Get("b").Bytes())
	}
	handle.Free()
	after.Get("a").Free()
}

// TestLostHandle loses handles: the net frees their buffers, and counts them.
func TestLostHandle(t *testing.T) {
	const n, size = 100, 1000
	var before, now cmem.Stats
	cmem.ReadStats(&before)
	var cache Cache
	for range 1 + n {
		cache.Put("a", make([]byte, size))
	}
	for start := time.Now(); now.NetFrees < before.NetFrees+n && time.Since(start) < 10*time.Second; {
		runtime.GC() // the cleanups run soon after
		time.Sleep(time.Millisecond)
		cmem.ReadStats(&now)
	}
	if lost, bytes := now.NetFrees-before.NetFrees, now.NetFreedBytes-before.NetFreedBytes; lost != n || bytes != n*size {
		t.Errorf("the net has freed %d buffers of %d bytes, want %d of %d", lost, bytes, n, n*size)
	}
	cache.Get("a").Free()
}

// TestAppend is the mistake that Escape avoids: append moves the bytes to Go memory, and Free refuses that.
func TestAppend(t *testing.T) {
	noLeak(t)
	body := cmem.Alloc(5)
	moved := append(body, '!')
	defer cmem.Free(body)
	defer func() {
		var misuse *cmem.MisuseError
		if err, _ := recover().(error); !errors.As(err, &misuse) || misuse.Func != "Free" {
			t.Errorf("Free of a slice that append has moved: %v, want a MisuseError", err)
		} else {
			t.Log(misuse)
		}
	}()
	cmem.Free(moved) //cmemvet:ignore the misuse that is tested
}

// BenchmarkRelay relays 100 frames of 100,000 bytes.
func BenchmarkRelay(b *testing.B) {
	body := bytes.Repeat([]byte("body"), 25_000)
	var in bytes.Buffer
	for range 100 {
		if err := writeFrame(&in, body); err != nil {
			b.Fatal(err)
		}
	}
	for _, side := range sides {
		b.Run("by="+side.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(in.Len()))
			for range b.N {
				if err := side.relay(io.Discard, bytes.NewReader(in.Bytes())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
