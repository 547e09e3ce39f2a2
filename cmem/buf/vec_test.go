package buf

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gocmem/cmem/cmem"
)

// alloc is a buffer of package cmem with these bytes.
func alloc(p []byte) []byte {
	b := cmem.Alloc(len(p))
	copy(b, p)
	return b
}

// fillVec appends n bytes to v in buffers of all kinds, and returns the bytes.
func fillVec(rng *rand.Rand, v *Vec, n int) (all []byte) {
	for len(all) < n {
		p := text(rng, 1+rng.IntN(min(n-len(all), 2000)))
		switch rng.IntN(3) {
		case 0:
			v.Append(alloc(p))
		case 1:
			v.AppendBorrowed(p)
		default:
			var b Buffer
			b.WriteString("read")
			b.Write(p)
			b.Next(4)
			v.AppendBuffer(&b)
			b.WriteString("it is ready for use")
			b.Free()
		}
		all = append(all, p...)
	}
	return all
}

// TestVec writes and reads lists, by writers and readers of all manners.
func TestVec(t *testing.T) {
	noLeak(t)
	rng := newRand(t)
	var v Vec
	for _, n := range []int{0, 1, 100, 5000, 100_000} {
		for name, drain := range map[string]func(v *Vec) ([]byte, error){
			"WriteTo": func(v *Vec) ([]byte, error) {
				var b bytes.Buffer
				m, err := v.WriteTo(&b)
				if m != int64(b.Len()) {
					t.Errorf("WriteTo has written %d bytes and says %d", b.Len(), m)
				}
				return b.Bytes(), err
			},
			"Read":          func(v *Vec) ([]byte, error) { return io.ReadAll(v) },
			"OneByteReader": func(v *Vec) ([]byte, error) { return io.ReadAll(iotest.OneByteReader(v)) },
			"HalfReader":    func(v *Vec) ([]byte, error) { return io.ReadAll(iotest.HalfReader(v)) },
			"with errors": func(v *Vec) ([]byte, error) {
				var all []byte
				for v.Len() > 0 {
					w := &stingy{most: rng.IntN(3000)}
					n, err := v.WriteTo(w)
					if n != int64(w.Len()) || v.Len() > 0 != (err == errStingy) {
						t.Errorf("WriteTo = %d, %v: %d bytes were written, %d are left", n, err, w.Len(), v.Len())
					}
					all = append(all, w.Bytes()...)
				}
				return all, nil
			},
		} {
			want := fillVec(rng, &v, n)
			if v.Len() != int64(n) {
				t.Errorf("Len is %d, want %d", v.Len(), n)
			}
			got, err := drain(&v)
			if err != nil || !bytes.Equal(got, want) || v.Len() != 0 {
				t.Errorf("%s of %d bytes: %d, %v; %d are left", name, n, len(got), err, v.Len())
			}
		}
		all := fillVec(rng, &v, n)
		if err := iotest.TestReader(&v, all); err != nil {
			t.Error(err)
		}
	}
	before := statsNow().LiveBlocks
	v.Append(alloc([]byte("first")))
	v.Append(alloc([]byte("second")))
	v.Read(make([]byte, 5))
	if got := statsNow().LiveBlocks - before; got != 1 {
		t.Errorf("%d buffers are live after one of two was read", got)
	}
	if s := v.String(); s != "6 bytes in 1 buffers" {
		t.Errorf("it is %q", s)
	}
	v.Free()
	v.Free()
	if v.Len() != 0 {
		t.Errorf("%d bytes after Free", v.Len())
	}
	if n, err := v.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("Read of an empty list: %d, %v", n, err)
	}
}

// TestVecNothing appends what has no bytes.
func TestVecNothing(t *testing.T) {
	noLeak(t)
	var v Vec
	v.Append(nil)
	v.Append(cmem.Alloc(0))
	v.Append(cmem.Alloc(100)[:0]) // is freed
	v.AppendBorrowed(nil)
	v.AppendBuffer(new(Buffer))
	b := filled(100)
	b.Next(100)
	v.AppendBuffer(b)
	if v.Len() != 0 || len(v.items) != 0 {
		t.Errorf("there are %v", &v)
	}
	if n, err := v.WriteTo(iotest.TruncateWriter(nil, 0)); n != 0 || err != nil {
		t.Errorf("WriteTo = %d, %v", n, err)
	}
}

func TestVecMisuse(t *testing.T) {
	noLeak(t)
	var v Vec
	live, freed, handle, buffer := cmem.Alloc(100), cmem.Alloc(5000), cmem.New(100), filled(100)
	cmem.Free(freed)
	for name, b := range map[string][]byte{
		"Go memory": make([]byte, 10), "the middle": live[1:], "freed": freed, "a handle's": handle.Bytes(),
		"a Buffer's": buffer.Bytes(),
	} {
		e, ok := panicOf(func() { v.Append(b) }).(*cmem.MisuseError)
		const what = "is not the start of a live buffer that may be freed: AppendBorrowed is for other memory"
		if !ok || e.Func != "buf.Vec.Append" || !strings.HasSuffix(e.What, what) {
			t.Errorf("%s: %v", name, e)
		}
	}
	buffer.Free()
	handle.Free()
	cmem.Free(live)
	checkMisuse(t, "cmem: buf.Vec.AppendBuffer: the buffer was freed", func() { v.AppendBuffer(buffer) })
	if v.Len() != 0 {
		t.Errorf("there are %v", &v)
	}
}

func TestVecMisbehavingWriters(t *testing.T) {
	noLeak(t)
	for _, tt := range []struct {
		n    int
		err  error
		want string
		left int64
	}{
		{-1, nil, "Write has returned -1 for 5 bytes", 10},
		{6, nil, "Write has returned 6 for 5 bytes", 10},
		{2, nil, io.ErrShortWrite.Error(), 8},
		{5, io.ErrClosedPipe, io.ErrClosedPipe.Error(), 5},
	} {
		var v Vec
		v.Append(alloc([]byte("first")))
		v.AppendBorrowed([]byte("other"))
		n, err := v.WriteTo(writerFunc(func(p []byte) (int, error) { return tt.n, tt.err }))
		if n != 10-tt.left || err == nil || !strings.Contains(err.Error(), tt.want) || v.Len() != tt.left {
			t.Errorf("a writer that returns %d, %v: %d, %v, and %d bytes are left, want %d", tt.n, tt.err, n, err, v.Len(),
				tt.left)
		}
		v.Free()
	}
	var v Vec
	v.Append(alloc([]byte("first")))
	panicOf(func() { v.WriteTo(writerFunc(func([]byte) (int, error) { panic("mine") })) })
	if v.Len() != 5 {
		t.Errorf("after a panic there are %v", &v)
	}
	v.Free()
}

// connected is both ends of a connection.
func connected(t *testing.T, network, address string) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Skipf("no %s here: %v", network, err)
	}
	defer l.Close()
	if a, err = net.Dial(network, l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// TestVecConn writes to a connection more than it takes at once: what is written is freed meanwhile.
func TestVecConn(t *testing.T) {
	noLeak(t)
	before := statsNow().LiveBlocks
	w, r := connected(t, "tcp", "127.0.0.1:0")
	const pieces, size = 64, 1 << 20
	var v Vec
	for i := range pieces {
		b := cmem.Alloc(size)
		for j := range b {
			b[j] = byte(i)
		}
		v.Append(b)
		v.AppendBorrowed([]byte{byte(i), byte(i)})
	}
	var all sync.WaitGroup
	all.Add(1)
	go func() {
		defer all.Done()
		if n, err := v.WriteTo(w); n != pieces*(size+2) || err != nil {
			t.Errorf("WriteTo = %d, %v", n, err)
		}
		w.Close()
	}()
	read := func(i int) {
		p := make([]byte, size+2)
		if _, err := io.ReadFull(r, p); err != nil || p[0] != byte(i) || !bytes.Equal(p[1:], p[:size+1]) {
			t.Errorf("piece %d is not what was written (%v)", i, err)
		}
	}
	for i := range pieces / 2 {
		read(i)
	}
	for deadline := time.Now().Add(20 * time.Second); statsNow().LiveBlocks-before > pieces/2+2; {
		time.Sleep(time.Millisecond)
		if time.Now().After(deadline) {
			t.Errorf("half of it was read, and %d of %d buffers are live", statsNow().LiveBlocks-before, pieces)
			break
		}
	}
	for i := pieces / 2; i < pieces; i++ {
		read(i)
	}
	all.Wait()
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("behind the end: %d, %v", n, err)
	}
}

// TestVecConnClosed: what could not be written is there still, and is freed.
func TestVecConnClosed(t *testing.T) {
	noLeak(t)
	w, _ := connected(t, "tcp", "127.0.0.1:0")
	w.Close()
	var v Vec
	v.Append(alloc([]byte("late")))
	if n, err := v.WriteTo(w); n != 0 || !errors.Is(err, net.ErrClosed) || v.Len() != 4 {
		t.Errorf("WriteTo = %d, %v, and %d bytes are left", n, err, v.Len())
	}
	v.Free()
}

// TestVecOneCall: up to 1024 buffers go by one call: a packet each.
func TestVecOneCall(t *testing.T) {
	noLeak(t)
	w, r := connected(t, "unixpacket", t.TempDir()+"/s")
	rng := newRand(t)
	for _, pieces := range []int{1, 2, 100, 1024, 1025} {
		var v Vec
		var want []byte
		for range pieces {
			p := text(rng, 16)
			v.Append(alloc(p))
			want = append(want, p...)
		}
		if n, err := v.WriteTo(w); n != int64(len(want)) || err != nil {
			t.Fatalf("%d pieces: WriteTo = %d, %v", pieces, n, err)
		}
		for len(want) > 0 {
			packet := want[:min(len(want), 1024*16)]
			p := make([]byte, 1<<16)
			n, err := r.Read(p)
			if err != nil || !bytes.Equal(p[:n], packet) {
				t.Errorf("%d pieces: a packet of %d bytes (%v), want %d", pieces, n, err, len(packet))
			}
			want = want[len(packet):]
		}
	}
}
