package buf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gocmem/cmem/cmem"
)

var (
	_ io.ReadWriteSeeker = (*Buffer)(nil)
	_ io.ReaderFrom      = (*Buffer)(nil)
	_ io.WriterTo        = (*Buffer)(nil)
	_ io.ByteScanner     = (*Buffer)(nil)
	_ io.RuneScanner     = (*Buffer)(nil)
	_ io.ByteWriter      = (*Buffer)(nil)
	_ io.StringWriter    = (*Buffer)(nil)
)

// TestMethods: a Buffer has all that a bytes.Buffer has, of the same types.
func TestMethods(t *testing.T) {
	want, got := reflect.TypeFor[*bytes.Buffer](), reflect.TypeFor[*Buffer]()
	for i := range want.NumMethod() {
		m := want.Method(i)
		has, ok := got.MethodByName(m.Name)
		if !ok {
			t.Errorf("a Buffer has no %s", m.Name)
			continue
		}
		for j := 1; j < m.Type.NumIn(); j++ { // the first is the receiver
			if m.Type.In(j) != has.Type.In(j) {
				t.Errorf("%s is %v, want %v", m.Name, has.Type, m.Type)
			}
		}
		for j := range m.Type.NumOut() {
			if m.Type.Out(j) != has.Type.Out(j) {
				t.Errorf("%s is %v, want %v", m.Name, has.Type, m.Type)
			}
		}
	}
}

// TestReader has testing/iotest read and seek.
func TestReader(t *testing.T) {
	noLeak(t)
	rng := newRand(t)
	for _, n := range []int{0, 1, 2, 3, 100, 5000, 100_000} {
		content := text(rng, n)
		var b Buffer
		b.Write(content)
		if err := iotest.TestReader(&b, content); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
		b.Free()
	}
}

// TestReadFromReaders reads by readers of all manners.
func TestReadFromReaders(t *testing.T) {
	noLeak(t)
	rng := newRand(t)
	for _, wrap := range []func(io.Reader) io.Reader{
		iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
		func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) },
		func(r io.Reader) io.Reader { return &sleepy{r: r} },
	} {
		for _, n := range []int{0, 1, 511, 512, 4095, 4096, 4097, 20_000} {
			content := text(rng, n)
			b, err := ReadAll(wrap(bytes.NewReader(content)))
			if err != nil || !bytes.Equal(b.Bytes(), content) {
				t.Errorf("ReadAll of %d bytes: %d, %v", n, b.Len(), err)
			}
			if err := iotest.TestReader(b, content); err != nil {
				t.Error(err)
			}
			b.Free()
		}
	}
	broken := errors.New("broken")
	for _, tt := range []struct {
		r    io.Reader
		want error
		n    int
	}{
		{iotest.ErrReader(broken), broken, 0},
		{io.MultiReader(strings.NewReader("some"), iotest.ErrReader(broken)), broken, 4},
		{iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("some"))), iotest.ErrTimeout, 1},
		{io.MultiReader(strings.NewReader("some"), iotest.ErrReader(io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF, 4},
	} {
		b, err := ReadAll(tt.r)
		if !errors.Is(err, tt.want) || b.Len() != tt.n {
			t.Errorf("%d bytes and the error %v, want %d and %v", b.Len(), err, tt.n, tt.want)
		}
		b.Free()
	}
}

// sleepy returns nothing 99 times before each read.
type sleepy struct {
	r io.Reader
	n int
}

func (s *sleepy) Read(p []byte) (int, error) {
	if s.n++; s.n%maxEmpty != 0 {
		return 0, nil
	}
	return s.r.Read(p[:min(len(p), 5000)])
}

// A readerFunc is a reader of bad manners, a writerFunc a writer.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestMisbehavingReaders(t *testing.T) {
	noLeak(t)
	for _, held := range []int{0, 10, 512} { // of no block, in a block, in a block that is full
		for _, tt := range []struct {
			name string
			read func(b *Buffer, p []byte) (int, error)
			want string
		}{
			{"negative", func(_ *Buffer, p []byte) (int, error) { return -1, nil }, "Read has returned -1 for a slice of "},
			{"least", func(_ *Buffer, p []byte) (int, error) { return math.MinInt, io.EOF }, "Read has returned -9"},
			{"one too many", func(_ *Buffer, p []byte) (int, error) { return len(p) + 1, nil }, "for a slice of "},
			{"most", func(_ *Buffer, p []byte) (int, error) { return math.MaxInt, io.EOF }, "Read has returned 9"},
			{"no progress", func(*Buffer, []byte) (int, error) { return 0, nil }, io.ErrNoProgress.Error()},
		} {
			b := filled(held)
			n, err := b.ReadFrom(readerFunc(func(p []byte) (int, error) { return tt.read(b, p) }))
			if n != 0 || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %d, %v, want an error with %q", tt.name, n, err, tt.want)
			}
			checkFilled(t, b, held)
			b.Free()
		}
	}
	changed := "Read has changed the buffer that it reads into"
	for name, change := range map[string]func(b *Buffer){
		"Write": func(b *Buffer) { b.WriteString("more") },
		"Grow":  func(b *Buffer) { b.Grow(100_000) },
		"Reset": func(b *Buffer) { b.Reset() },
	} {
		b := filled(10)
		b.Grow(2000)
		_, err := b.ReadFrom(readerFunc(func(p []byte) (int, error) { change(b); return 1, io.EOF }))
		if err == nil || !strings.HasSuffix(err.Error(), changed) {
			t.Errorf("%s: %v, want %s", name, err, changed)
		}
		b.Free()
	}
	checkMisuse(t, "cmem: buf.Buffer.ReadFrom: the buffer was freed", func() {
		b := filled(10)
		b.ReadFrom(readerFunc(func(p []byte) (int, error) { b.Free(); return 1, io.EOF }))
	})
	b := filled(10)
	if value := panicOf(func() { b.ReadFrom(readerFunc(func([]byte) (int, error) { panic("mine") })) }); value != "mine" {
		t.Errorf("a reader's panic became %v", value)
	}
	checkFilled(t, b, 10)
	b.Free()
}

// filled is a Buffer of n bytes, "0123456789012...".
func filled(n int) *Buffer {
	b := new(Buffer)
	for i := range n {
		b.WriteByte('0' + byte(i%10))
	}
	return b
}

func checkFilled(t *testing.T, b *Buffer, n int) {
	t.Helper()
	if b.Len() != n {
		t.Errorf("%d bytes, want %d", b.Len(), n)
	}
	for i, c := range b.Bytes() {
		if c != '0'+byte(i%10) {
			t.Errorf("byte %d is %q", i, c)
			return
		}
	}
}

func TestMisbehavingWriters(t *testing.T) {
	noLeak(t)
	for _, tt := range []struct {
		name  string
		write func(b *Buffer, p []byte) (int, error)
		n     int64
		want  string
	}{
		{"negative", func(_ *Buffer, p []byte) (int, error) { return -1, nil }, 0, "Write has returned -1 for 10 bytes"},
		{"too many", func(_ *Buffer, p []byte) (int, error) { return 11, nil }, 0, "Write has returned 11 for 10 bytes"},
		{"short", func(_ *Buffer, p []byte) (int, error) { return 3, nil }, 3, io.ErrShortWrite.Error()},
		{"its error", func(_ *Buffer, p []byte) (int, error) { return 3, io.ErrClosedPipe }, 3, io.ErrClosedPipe.Error()},
		{"Reset", func(b *Buffer, p []byte) (int, error) { b.Reset(); return 10, nil }, 10,
			"Write has changed the buffer that it is given"},
		{"Read", func(b *Buffer, p []byte) (int, error) { b.ReadByte(); return 10, nil }, 10,
			"Write has changed the buffer that it is given"},
	} {
		b := filled(10)
		n, err := b.WriteTo(writerFunc(func(p []byte) (int, error) { return tt.write(b, p) }))
		if n != tt.n || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %d, %v, want %d and an error with %q", tt.name, n, err, tt.n, tt.want)
		}
		if tt.n == 3 && b.String() != "3456789" {
			t.Errorf("%s: %q is left", tt.name, b)
		}
		b.Free()
	}
	checkMisuse(t, "cmem: buf.Buffer.WriteTo: the buffer was freed", func() {
		b := filled(10)
		b.WriteTo(writerFunc(func(p []byte) (int, error) { b.Free(); return len(p), nil }))
	})
	// Into itself: what was unread is there once more.
	b := filled(60)
	if n, err := b.WriteTo(b); n != 60 || err != nil && !strings.HasSuffix(err.Error(), "that it is given") {
		t.Errorf("WriteTo itself: %d, %v", n, err)
	}
	b.Free()
}

// TestFreed: each method says that the Buffer was freed.
func TestFreed(t *testing.T) {
	noLeak(t)
	for _, b := range []*Buffer{filled(0), filled(10), filled(100_000)} {
		b.Free()
		b.Free()
		for i := range reflect.TypeOf(b).NumMethod() {
			m := reflect.TypeOf(b).Method(i)
			if m.Name == "Free" {
				continue
			}
			reported := m.Name
			switch m.Name {
			case "TryGrow":
				reported = "Grow"
			case "WriteString", "WriteRune":
				reported = "Write"
			}
			args := []reflect.Value{reflect.ValueOf(b)}
			for j := 1; j < m.Type.NumIn(); j++ {
				args = append(args, reflect.New(m.Type.In(j)).Elem())
			}
			checkMisuse(t, "cmem: buf.Buffer."+reported+": the buffer was freed", func() { m.Func.Call(args) })
		}
	}
	if s := (*Buffer)(nil).String(); s != "<nil>" {
		t.Errorf("a nil Buffer is %q", s)
	}
	// A copy, which there should not be.
	b := filled(100)
	clone := reflect.New(reflect.TypeFor[Buffer]())
	clone.Elem().Set(reflect.ValueOf(b).Elem())
	b.Free()
	checkMisuse(t, "cmem: Buffer.Bytes: the buffer was freed", func() { clone.Interface().(*Buffer).WriteByte(1) })
}

func TestMisuse(t *testing.T) {
	noLeak(t)
	b := filled(10)
	b.ReadByte()
	for want, f := range map[string]func(){
		"Truncate: to -1 bytes: want 0 to the 9 that are unread": func() { b.Truncate(-1) },
		"Truncate: to 10 bytes: want 0 to the 9 that are unread": func() { b.Truncate(10) },
		"Grow: by -5 bytes: want 0 or more":                      func() { b.Grow(-5) },
		"Next: -1 bytes: want 0 or more":                         func() { b.Next(-1) },
		"Peek: -1 bytes: want 0 or more":                         func() { b.Peek(-1) },
	} {
		checkMisuse(t, "cmem: buf.Buffer."+want, f)
	}
	checkMisuse(t, "cmem: buf.Buffer.Grow: by -1 bytes: want 0 or more", func() { b.TryGrow(-1) })
	p := b.Bytes()
	if _, ok := panicOf(func() { cmem.Free(p) }).(*cmem.MisuseError); !ok {
		t.Error("cmem.Free took a Buffer's bytes")
	}
	if s := b.String(); s != "123456789" {
		t.Errorf("%q is left", s)
	}
	b.Free()
}

// TestNoMemory: whoever returns an error returns it, the others panic, and what was there stays.
func TestNoMemory(t *testing.T) {
	noLeak(t)
	b := filled(1000)
	room := b.Available()
	for _, n := range []int{math.MaxInt / 4, math.MaxInt / 2, math.MaxInt - 500, math.MaxInt} {
		checkNoMemory(t, "TryGrow", b.TryGrow(n))
		checkNoMemory(t, "Grow", panicOf(func() { b.Grow(n) }))
		checkNoMemory(t, "TryGrow of an empty one", new(Buffer).TryGrow(n))
	}
	cmem.Scavenge()
	defer cmem.SetLimit(cmem.SetLimit(1))
	p := make([]byte, 1<<20)
	checkNoMemory(t, "Write", panicOf(func() { b.Write(p) }))
	checkNoMemory(t, "WriteString", panicOf(func() { b.WriteString(string(p)) }))
	checkNoMemory(t, "WriteByte", panicOf(func() {
		for {
			b.WriteByte('x')
		}
	}))
	b.Truncate(1000)
	_, err := b.ReadFrom(bytes.NewReader(p))
	checkNoMemory(t, "ReadFrom", err)
	all, err := ReadAll(bytes.NewReader(p))
	checkNoMemory(t, "ReadAll", err)
	all.Free()
	_, err = Copy(io.Discard, readerFunc(bytes.NewReader(p).Read))
	checkNoMemory(t, "Copy", err)
	b.Truncate(1000)
	checkFilled(t, b, 1000)
	if room < b.Available() {
		t.Errorf("%d bytes are available, there were %d", b.Available(), room)
	}
	b.Free()
}

// TestLost: the collector frees what nobody has freed.
func TestLost(t *testing.T) {
	noLeak(t)
	before := statsNow()
	for i := range 500 {
		var b Buffer
		b.Write(make([]byte, 100*i))
		fmt.Fprintf(&b, "%d", i)
	}
	kept := filled(10_000)
	afterGC(t, "lost buffers are freed", func() bool { return statsNow().LiveBlocks == before.LiveBlocks+1 })
	if got := statsNow().NetFrees - before.NetFrees; got != 500 {
		t.Errorf("the nets have freed %d buffers, want 500", got)
	}
	checkFilled(t, kept, 10_000)
	kept.Free()
}

// TestHeld: a Buffer on the stack keeps its block while a method runs, through collections.
func TestHeld(t *testing.T) {
	noLeak(t)
	lost := 0
	for range 200 {
		var b Buffer
		b.WriteString("what a reader sees while the collector runs")
		n, _ := b.WriteTo(writerFunc(func(p []byte) (int, error) {
			runtime.GC()
			New := cmem.New(64) // takes the block if it was freed
			copy(New.Bytes(), strings.Repeat("x", 64))
			if string(p) != "what a reader sees while the collector runs" {
				lost++
			}
			New.Free()
			return len(p), nil
		}))
		if n != 43 {
			t.Fatalf("%d bytes were written", n)
		}
		b.Free()
	}
	if lost > 0 {
		t.Errorf("%d times the block was somebody else's", lost)
	}
}

// TestNoMoreThanAsked: a block of the length that is known is not doubled to see the end.
func TestNoMoreThanAsked(t *testing.T) {
	noLeak(t)
	cmem.Scavenge()
	for _, n := range []int{4096, 16 << 10, 100_000, 1 << 20} {
		var b Buffer
		b.Grow(n)
		c := b.Cap()
		got, err := b.ReadFrom(bytes.NewReader(make([]byte, n)))
		if got != int64(n) || err != nil || b.Cap() != c {
			t.Errorf("%d bytes, %v: the block had %d bytes and has %d", got, err, c, b.Cap())
		}
		b.Reset()
		if b.Cap() != c || b.Len() != 0 {
			t.Errorf("after Reset %d bytes in a block of %d", b.Len(), b.Cap())
		}
		b.Free()
	}
}

// TestOwnBytes writes a part of a Buffer to itself, where its block moves meanwhile.
func TestOwnBytes(t *testing.T) {
	noLeak(t)
	for _, read := range []int{0, 3, 500, 1000} {
		b := filled(1000)
		b.Next(read)
		want := b.String()
		for range 6 {
			b.Write(b.Bytes())
			want += want
		}
		if b.String() != want {
			t.Errorf("after %d bytes were read: %d bytes, want %d, or they differ", read, b.Len(), len(want))
		}
		b.Free()
	}
	b := filled(64) // and what was read
	first := b.Next(10)
	b.Write(first)
	for range 10 {
		b.Write(b.Bytes()[:20])
	}
	if s := b.String(); s[54:64] != "0123456789" || len(s) != 264 {
		t.Errorf("%d bytes: %q", len(s), s)
	}
	b.Free()
}

func TestSeek(t *testing.T) {
	noLeak(t)
	b := filled(100)
	defer b.Free()
	b.Next(30)
	for _, tt := range []struct {
		offset int64
		whence int
		want   int64 // -1: an error
	}{
		{0, io.SeekCurrent, 30}, {0, io.SeekStart, 0}, {0, io.SeekEnd, 100}, {-100, io.SeekEnd, 0}, {100, io.SeekStart, 100},
		{-1, io.SeekStart, -1}, {101, io.SeekStart, -1}, {1, io.SeekEnd, -1}, {-101, io.SeekEnd, -1},
		{math.MaxInt64, io.SeekStart, -1}, {math.MinInt64, io.SeekStart, -1},
		{math.MaxInt64, io.SeekEnd, -1}, {math.MinInt64, io.SeekEnd, -1},
		{math.MaxInt64, io.SeekCurrent, -1}, {math.MinInt64, io.SeekCurrent, -1},
		{0, 3, -1}, {0, -1, -1},
	} {
		b.Seek(30, io.SeekStart)
		at, err := b.Seek(tt.offset, tt.whence)
		if want := max(tt.want, 0); at != want || (err != nil) != (tt.want < 0) {
			t.Errorf("Seek(%d, %d) = %d, %v, want %d", tt.offset, tt.whence, at, err, tt.want)
		}
		if now, _ := b.Seek(0, io.SeekCurrent); tt.want < 0 && now != 30 {
			t.Errorf("Seek(%d, %d), which failed, went to %d", tt.offset, tt.whence, now)
		}
	}
	_, err := b.Seek(101, io.SeekStart)
	if want := "buf: Seek: 101 bytes from 0 is outside of what the buffer holds, from 0 to 100"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	// A body is sent once more.
	b.Seek(0, io.SeekStart)
	b.WriteTo(io.Discard)
	b.Seek(0, io.SeekStart)
	checkFilled(t, b, 100)
}

// TestNoGarbage wants steady use to allocate no Go memory.
func TestNoGarbage(t *testing.T) {
	if instrumented {
		t.Skip("under -race and -asan slice headers and handles go to the heap")
	}
	noLeak(t)
	p, r := make([]byte, 10_000), bytes.NewReader(nil)
	v := new(Vec)
	for name, f := range map[string]func(){
		"Write":    func() { var b Buffer; b.Write(p); b.Write(p); b.Free() },
		"ReadFrom": func() { var b Buffer; r.Reset(p); b.ReadFrom(r); b.Free() },
		"Vec":      func() { v.Append(cmem.Alloc(1000)); v.AppendBorrowed(p); v.Read(p); v.Free() },
		"Copy":     func() { r.Reset(p); Copy(io.Discard, r) },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}
