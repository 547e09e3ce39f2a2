package buf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/gocmem/cmem/cmem"
)

// TestModel does the same, at random, to a Buffer and a bytes.Buffer, and compares all that they
// say. What was read is kept in a slice besides: Seek may go back to as much of it as the Buffer
// says it has.
func TestModel(t *testing.T) {
	noLeak(t)
	rng := newRand(t)
	for round := range 60 {
		m := &model{t: t, rng: rng, most: 1 << (4 + rng.IntN(14)), allowed: leastBlock}
		for step := 0; step < 600 && !t.Failed(); step++ {
			m.step()
		}
		if m.got.Free(); t.Failed() {
			t.Fatalf("in round %d, after: %v", round, m.trace)
		}
	}
}

type model struct {
	t       *testing.T
	rng     *rand.Rand
	got     Buffer
	want    bytes.Buffer
	all     []byte // all that was written since Reset and not truncated
	most    int    // bytes a call
	allowed int    // the largest block by the law of growth
	block   int    // b's block
	trace   []string
}

func (m *model) step() {
	n := m.rng.IntN(m.rng.IntN(m.most) + 1)
	kinds := []func(n int) string{
		m.write, m.write, m.writeOthers, m.readFrom, m.read, m.read, m.next, m.readOthers, m.readLine, m.writeTo, m.grow,
		m.truncate, m.seek, m.reset, m.own,
	}
	name := kinds[m.rng.IntN(len(kinds))](n)
	m.trace = append(m.trace, fmt.Sprintf("%s(%d)", name, n))
	if m.rng.IntN(4) == 0 {
		m.unreadLast()
	}
	m.compare(name)
}

func (m *model) errorf(format string, args ...any) { m.t.Errorf(format, args...) }

// same compares what two calls have returned.
func (m *model) same(name string, got, want any, gotErr, wantErr error) {
	if got != want {
		m.errorf("%s = %v, want %v", name, got, want)
	}
	if !errors.Is(gotErr, wantErr) && (gotErr == nil || wantErr == nil) {
		m.errorf("%s: error %v, want %v", name, gotErr, wantErr)
	}
}

// wrote notes that p is written, for which the Buffer may grow.
func (m *model) willWrite(p []byte) {
	m.all = append(m.all, p...)
	m.mayGrow(len(p))
}

func (m *model) mayGrow(n int) {
	m.allowed = max(m.allowed, 2*m.want.Len(), m.want.Len()+n)
}

func (m *model) write(n int) string {
	p := text(m.rng, n)
	m.willWrite(p)
	if m.rng.IntN(2) == 0 {
		a, err1 := m.got.Write(p)
		b, err2 := m.want.Write(p)
		m.same("Write", a, b, err1, err2)
		return "Write"
	}
	a, err1 := m.got.WriteString(string(p))
	b, err2 := m.want.WriteString(string(p))
	m.same("WriteString", a, b, err1, err2)
	return "WriteString"
}

func (m *model) writeOthers(n int) string {
	switch m.rng.IntN(3) {
	case 0:
		m.willWrite([]byte{byte(n)})
		m.same("WriteByte", nil, nil, m.got.WriteByte(byte(n)), m.want.WriteByte(byte(n)))
		return "WriteByte"
	case 1:
		r := []rune{'a', 'ä', '€', '𝄞', -1, 0xD800, 0x10FFFF + 1}[n%7]
		m.willWrite([]byte(string(r)))
		a, err1 := m.got.WriteRune(r)
		b, err2 := m.want.WriteRune(r)
		m.same("WriteRune", a, b, err1, err2)
		return "WriteRune"
	}
	p := append(m.got.AvailableBuffer(), text(m.rng, n)...)
	m.willWrite(p)
	m.want.Write(p)
	m.got.Write(p)
	return "AvailableBuffer"
}

// own writes a part of the buffer to the buffer itself.
func (m *model) own(n int) string {
	p := bytes.Clone(m.want.Bytes()[:min(n, m.want.Len())])
	m.willWrite(p)
	m.got.Write(m.got.Bytes()[:len(p)])
	m.want.Write(p)
	return "Write of its own"
}

func (m *model) readFrom(n int) string {
	p := text(m.rng, n)
	m.all = append(m.all, p...)
	wrap := []func(io.Reader) io.Reader{
		func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
	}[m.rng.IntN(4)]
	if n > 4000 {
		wrap = func(r io.Reader) io.Reader { return r }
	}
	unread := m.want.Len()
	a, err1 := m.got.ReadFrom(wrap(bytes.NewReader(p)))
	b, err2 := m.want.ReadFrom(wrap(bytes.NewReader(p)))
	m.same("ReadFrom", a, b, err1, err2)
	m.allowed = max(m.allowed, 2*(unread+n), unread+n+spillSize)
	return "ReadFrom"
}

func (m *model) read(n int) string {
	p, q := make([]byte, n), make([]byte, n)
	a, err1 := m.got.Read(p)
	b, err2 := m.want.Read(q)
	m.same("Read", a, b, err1, err2)
	if !bytes.Equal(p, q) {
		m.errorf("Read has other bytes")
	}
	return "Read"
}

func (m *model) next(n int) string {
	name, got, want := "Next", m.got.Next, m.want.Next
	if m.rng.IntN(2) == 0 {
		name, got, want = "Peek", func(n int) []byte { p, _ := m.got.Peek(n); return p },
			func(n int) []byte { return m.want.Bytes()[:min(n, m.want.Len())] }
	}
	if p, q := got(n), want(n); !bytes.Equal(p, q) || cap(p) != len(p) {
		m.errorf("%s has other bytes, or capacity to spare", name)
	}
	return name
}

func (m *model) readOthers(int) string {
	if m.rng.IntN(2) == 0 {
		a, err1 := m.got.ReadByte()
		b, err2 := m.want.ReadByte()
		m.same("ReadByte", a, b, err1, err2)
		return "ReadByte"
	}
	a, n1, err1 := m.got.ReadRune()
	b, n2, err2 := m.want.ReadRune()
	m.same("ReadRune", fmt.Sprint(a, n1), fmt.Sprint(b, n2), err1, err2)
	return "ReadRune"
}

func (m *model) readLine(n int) string {
	if m.want.Len() == 0 { // bytes.Buffer takes it for a read, of nothing
		defer m.nothingToTakeBack()
	}
	if m.rng.IntN(2) == 0 {
		a, err1 := m.got.ReadBytes(byte(n))
		b, err2 := m.want.ReadBytes(byte(n))
		m.same("ReadBytes", string(a), string(b), err1, err2)
		return "ReadBytes"
	}
	a, err1 := m.got.ReadString(byte(n))
	b, err2 := m.want.ReadString(byte(n))
	m.same("ReadString", a, b, err1, err2)
	return "ReadString"
}

// unreadLast compares what is said to an UnreadByte and an UnreadRune.
func (m *model) unreadLast() {
	if m.rng.IntN(2) == 0 {
		m.same("UnreadByte", nil, nil, m.got.UnreadByte(), m.want.UnreadByte())
		m.trace = append(m.trace, "UnreadByte")
		return
	}
	m.same("UnreadRune", nil, nil, m.got.UnreadRune(), m.want.UnreadRune())
	m.trace = append(m.trace, "UnreadRune")
}

// A stingy writer takes only so many bytes.
type stingy struct {
	bytes.Buffer
	most int
}

func (s *stingy) Write(p []byte) (int, error) {
	if len(p) > s.most {
		n, _ := s.Buffer.Write(p[:s.most])
		return n, errStingy
	}
	return s.Buffer.Write(p)
}

var errStingy = errors.New("no more")

func (m *model) writeTo(n int) string {
	p, q := &stingy{most: n}, &stingy{most: n}
	a, err1 := m.got.WriteTo(p)
	b, err2 := m.want.WriteTo(q)
	m.same("WriteTo", a, b, err1, err2)
	if !bytes.Equal(p.Bytes(), q.Bytes()) {
		m.errorf("WriteTo has written other bytes")
	}
	return "WriteTo"
}

func (m *model) grow(n int) string {
	m.mayGrow(n)
	m.got.Grow(n)
	m.want.Grow(n)
	if m.got.Available() < n {
		m.errorf("%d bytes are available after Grow(%d)", m.got.Available(), n)
	}
	m.nothingToTakeBack() // bytes.Buffer takes no note of Grow
	return "Grow"
}

func (m *model) nothingToTakeBack() {
	m.got.Read(nil)
	m.want.Read(nil)
}

func (m *model) truncate(n int) string {
	n = min(n, m.want.Len())
	m.all = m.all[:len(m.all)-m.want.Len()+n]
	m.got.Truncate(n)
	m.want.Truncate(n)
	return "Truncate"
}

func (m *model) reset(int) string {
	if m.rng.IntN(4) == 0 {
		m.got.Reset()
		m.want.Reset()
		m.all = nil
	}
	return "Reset"
}

// seek goes to a position that may be outside, in each of the three ways. bytes.Buffer is made anew
// with what is to be unread then.
func (m *model) seek(n int) string {
	to := int64(n)
	if m.rng.IntN(2) == 0 {
		to = int64(len(m.all) - m.rng.IntN(min(len(m.all), 2*m.most)+1))
	}
	at := int64(len(m.all) - m.want.Len())
	whence := m.rng.IntN(3)
	from := []int64{0, at, int64(len(m.all))}[whence]
	got, err := m.got.Seek(to-from, whence)
	if to < m.got.base || to > int64(len(m.all)) {
		if err == nil {
			m.errorf("Seek to %d outside of [%d, %d]: no error", to, m.got.base, len(m.all))
		}
		return "Seek outside"
	}
	m.same("Seek", got, to, err, nil)
	m.want = *bytes.NewBuffer(bytes.Clone(m.all[to:]))
	return "Seek"
}

func (m *model) compare(name string) {
	if m.got.Len() != m.want.Len() || !bytes.Equal(m.got.Bytes(), m.want.Bytes()) || m.got.String() != m.want.String() {
		m.errorf("after %s: %d bytes are unread, want %d, or they differ", name, m.got.Len(), m.want.Len())
	}
	if at := m.got.base + int64(m.got.off); at != int64(len(m.all)-m.want.Len()) {
		m.errorf("after %s: position %d, want %d", name, at, len(m.all)-m.want.Len())
	}
	if m.got.Available() != m.got.Cap()-m.got.end || cap(m.got.AvailableBuffer()) != m.got.Available() {
		m.errorf("after %s: Available is %d of %d", name, m.got.Available(), m.got.Cap())
	}
	if m.got.Cap() < m.block {
		m.errorf("after %s: the block has %d bytes, and had %d", name, m.got.Cap(), m.block)
	}
	m.block = m.got.Cap()
	// A busy P may get a block of up to two and a half times the size.
	if m.got.Cap() > 5*m.allowed/2+16 {
		m.errorf("after %s: the block has %d bytes, and the law of growth says %d", name, m.got.Cap(), m.allowed)
	}
}

// TestGrowth: the block is what the law says, and its class's rounding.
func TestGrowth(t *testing.T) {
	noLeak(t)
	for _, step := range []int{1, 10, 100, 1000, 5000, 70_000} {
		cmem.Scavenge() // a P that was busy may serve with larger blocks
		var b Buffer
		p := make([]byte, step)
		moved, c := 0, 0
		for b.Len() < 300*step {
			want := max(2*b.Len(), b.Len()+step, leastBlock)
			b.Write(p)
			if b.Cap() == c {
				continue
			}
			moved++
			if have := cmem.Usable(b.Bytes()); b.Cap() != have {
				t.Errorf("%d bytes at a time: %d of the block's %d bytes are in use", step, b.Cap(), have)
			}
			if c = b.Cap(); c < want || c > want+want/8+15 {
				t.Errorf("%d bytes at a time: a block of %d bytes for %d, want for %d", step, c, b.Len(), want)
			}
		}
		if moved > 10 {
			t.Errorf("%d bytes at a time: %d blocks up to %d bytes, want 10 at most", step, moved, b.Len())
		}
		b.Free()
	}
}

// TestQueue: what goes through stays in a block for what is unread.
func TestQueue(t *testing.T) {
	noLeak(t)
	var b Buffer
	p := make([]byte, 1000)
	for i := range 5000 {
		p[0], p[999] = byte(i), byte(i>>8)
		b.Write(p)
		if i >= 2 {
			if q := b.Next(1000); q[0] != byte(i-2) || q[999] != byte((i-2)>>8) {
				t.Fatalf("message %d is not that one", i-2)
			}
		}
	}
	if b.Cap() > 8000 {
		t.Errorf("a block of %d bytes for 3000 at a time", b.Cap())
	}
	if at, err := b.Seek(0, io.SeekCurrent); at != 4_998_000 || err != nil {
		t.Errorf("position %d, %v, want 4998000", at, err)
	}
	if _, err := b.Seek(0, io.SeekStart); err == nil {
		t.Error("Seek to what is gone: no error")
	}
	b.Reset()
	b.Grow(1 << 20)
	c := b.Cap()
	for i := range 2000 { // where nothing waits, the first bytes of the block serve
		b.Write(p)
		if b.Next(1000); b.Available() != c-1000 || b.Cap() != c {
			t.Fatalf("message %d ends %d bytes into a block of %d, want 1000 of %d", i, b.Cap()-b.Available(), b.Cap(), c)
		}
	}
	for range 3000 { // and it stays while little waits
		b.Write(p)
		b.Write(p)
		if b.Next(1000); b.Len() > 100_000 {
			b.Next(90_000)
		}
	}
	if b.Cap() != c {
		t.Errorf("the block has %d bytes, and had %d", b.Cap(), c)
	}
	b.Free()
}
