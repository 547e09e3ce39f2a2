package buf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"unicode/utf8"
	"unsafe"

	"github.com/gocmem/cmem/cmem"
)

// A Buffer is what bytes.Buffer is, in C memory: bytes that are written at its end and read at its
// front. The zero value is an empty buffer, ready to use. A Buffer must not be copied once it was
// used, and serves one goroutine at a time.
//
// Free gives its memory back; every other use of it panics from then on. A Buffer that is lost
// without Free is freed by the collector.
//
// # Growth
//
// With m unread bytes in a block of c, a write of n bytes that does not fit behind them moves them
// to the block's front, and makes the block larger, if that is not enough:
//
//	c = max(2 m, m + n, 64), rounded up to what the block for that many really holds
//
// The block stays in its place where it has the room (cmem.Buffer.Resize). So a byte is moved once
// on the average, and c is never more than twice the most that was unread, or what one call has
// asked for, and the rounding (at most 12.5 % beyond 128 bytes). Reset and reading keep the block.
//
// # Seek
//
// Bytes that were read stay until their room is needed: Seek goes back to them, to read them once
// more. A write, Grow or ReadFrom may drop them; if nothing is unread it does. Positions count from
// the first byte that was written since Reset, whether it is still there or not.
type Buffer struct {
	_     noCopy
	mem   cmem.Buffer // the block; the zero handle: none yet
	off   int         // of the block's bytes those of [off, end) are unread, those before were read
	end   int
	base  int64  // the position of the block's first byte
	last  lastOp // for UnreadByte and UnreadRune
	freed bool
}

// noCopy has go vet find copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// A lastOp is how many bytes the last operation has read, if that can be undone.
type lastOp int8

const (
	other    lastOp = 0
	someRead lastOp = -1 // but no rune; 1 to 4: a rune of so many bytes
)

const leastBlock = 64

// block is all of b's block.
func (b *Buffer) block(method string) []byte {
	if b.freed {
		misuse("Buffer."+method, "the buffer was freed")
	}
	return b.mem.Bytes()
}

// unread is the unread bytes of b. No append to them reaches what is behind.
func (b *Buffer) unread(method string) []byte { return b.block(method)[b.off:b.end:b.end] }

// room is b's block, with room for n bytes behind b.end.
func (b *Buffer) room(method string, n int) []byte {
	blk := b.block(method)
	b.last = other
	if b.off == b.end && n > 0 {
		b.dropRead(blk)
	}
	if n <= len(blk)-b.end {
		return blk
	}
	b.dropRead(blk)
	most := math.MaxInt // which is not to be had
	if n <= math.MaxInt-b.end && b.end <= math.MaxInt/2 {
		most = max(2*b.end, b.end+n, leastBlock)
	}
	if most <= len(blk) {
		return blk
	}
	if b.mem == (cmem.Buffer{}) {
		b.mem = cmem.New(most)
	} else {
		b.mem.Resize(most)
	}
	b.mem.Resize(b.mem.Cap())
	return b.mem.Bytes()
}

// dropRead moves the unread bytes to the front of b's block.
func (b *Buffer) dropRead(blk []byte) {
	if b.off == 0 {
		return
	}
	copy(blk, blk[b.off:b.end])
	b.base += int64(b.off)
	b.off, b.end = 0, b.end-b.off
}

// Bytes returns the unread bytes, in b's block: they are valid until the next write, Grow, ReadFrom,
// Reset or Free, and as long as b is held. An append to them moves them to Go memory.
func (b *Buffer) Bytes() []byte { return b.unread("Bytes") }

// AvailableBuffer returns an empty slice of Available bytes of capacity, to append to and give to
// Write at once. It is valid until the next write.
func (b *Buffer) AvailableBuffer() []byte {
	blk := b.block("AvailableBuffer")
	return blk[b.end:b.end:len(blk)]
}

// String returns a copy of the unread bytes, in Go memory; "<nil>" for a nil b.
func (b *Buffer) String() string {
	if b == nil {
		return "<nil>"
	}
	s := string(b.unread("String"))
	runtime.KeepAlive(b)
	return s
}

// Len is the number of unread bytes.
func (b *Buffer) Len() int { return len(b.unread("Len")) }

// Cap is the number of bytes that b's block holds, 0 before the first write.
func (b *Buffer) Cap() int { return len(b.block("Cap")) }

// Available is how many bytes can be written before anything is moved.
func (b *Buffer) Available() int { return len(b.block("Available")) - b.end }

// Free gives b's memory back. Another Free does nothing; all else panics with a *cmem.MisuseError.
func (b *Buffer) Free() {
	b.mem.Free()
	*b = Buffer{freed: true}
}

// Reset makes b empty. It keeps the block, and Seek counts anew.
func (b *Buffer) Reset() {
	b.block("Reset")
	*b = Buffer{mem: b.mem}
}

// Truncate drops all but the first n unread bytes. It panics with a *cmem.MisuseError where n is
// negative or more than there are.
func (b *Buffer) Truncate(n int) {
	if have := len(b.unread("Truncate")); n < 0 || n > have {
		misuse("Buffer.Truncate", "to %d bytes: want 0 to the %d that are unread", n, have)
	}
	b.last = other
	b.end = b.off + n
}

// Grow makes room for n bytes: to write so many moves nothing. It panics with an error that wraps
// cmem.ErrNoMemory where no memory is to be had, b then being as it was, and with a
// *cmem.MisuseError where n is negative.
func (b *Buffer) Grow(n int) {
	if n < 0 {
		misuse("Buffer.Grow", "by %d bytes: want 0 or more", n)
	}
	b.room("Grow", n)
}

// TryGrow is Grow that returns its error, one that wraps cmem.ErrNoMemory.
func (b *Buffer) TryGrow(n int) (err error) {
	defer noMemory(&err)
	b.Grow(n)
	return nil
}

// Write appends p, which may be a part of b. Its error is nil; it panics as Grow does.
func (b *Buffer) Write(p []byte) (n int, err error) {
	if blk := b.block("Write"); len(p) > len(blk)-b.end && within(p, blk) {
		clone := cmem.Alloc(len(p))
		defer cmem.Free(clone)
		copy(clone, p)
		p = clone
	}
	blk := b.room("Write", len(p))
	b.end += copy(blk[b.end:], p)
	runtime.KeepAlive(b)
	return len(p), nil
}

// within tells whether p begins in blk.
func within(p, blk []byte) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(p)))-uintptr(unsafe.Pointer(unsafe.SliceData(blk))) < uintptr(len(blk))
}

// WriteString appends s. Its error is nil; it panics as Grow does.
func (b *Buffer) WriteString(s string) (n int, err error) {
	return b.Write(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// WriteByte appends c. Its error is nil; it panics as Grow does.
func (b *Buffer) WriteByte(c byte) error {
	b.room("WriteByte", 1)[b.end] = c
	b.end++
	runtime.KeepAlive(b)
	return nil
}

// WriteRune appends r in UTF-8. Its error is nil; it panics as Grow does.
func (b *Buffer) WriteRune(r rune) (n int, err error) {
	var text [utf8.UTFMax]byte
	return b.Write(text[:utf8.EncodeRune(text[:], r)])
}

// ReadFrom appends what it reads from r until io.EOF, and returns how many bytes that was, and the
// error that ended it, nil for io.EOF. It takes no more memory to find the end: grow b to the length
// where that is known, and the block is of that length.
//
// An error wraps cmem.ErrNoMemory where no memory is to be had: what was read is in b, but for up to
// 4 KiB. It is io.ErrNoProgress after 100 reads in a row without a byte. It says so where r returns
// a count that cannot be, or has written to b or reset it meanwhile.
func (b *Buffer) ReadFrom(r io.Reader) (n int64, err error) {
	blk := b.block("ReadFrom")
	b.last = other
	if b.off == b.end {
		b.dropRead(blk)
	}
	// What does not fit in b, or hardly, goes by another block: it may be nothing.
	var spill []byte
	defer func() { cmem.Free(spill) }()
	defer noMemory(&err)
	for empty := 0; empty < maxEmpty; {
		blk = b.block("ReadFrom")
		end, to := b.end, blk[b.end:]
		spilled := len(to) < leastRead
		if spilled {
			if spill == nil {
				spill = cmem.Alloc(spillSize)
			}
			to = spill
		}
		m, err := r.Read(to)
		if err := checkRead(r, m, len(to)); err != nil {
			return n, err
		}
		switch now := b.block("ReadFrom"); {
		case spilled:
			b.Write(to[:m])
		case b.end != end || unsafe.SliceData(now) != unsafe.SliceData(blk):
			return n, fmt.Errorf("buf: a %T's Read has changed the buffer that it reads into", r)
		default:
			b.end += m
		}
		n += int64(m)
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		case m > 0:
			empty = 0
		default:
			empty++
		}
	}
	return n, io.ErrNoProgress
}

const (
	leastRead = 512     // a Read into less is not worth a system call
	spillSize = 4 << 10 // so an unknown length begins with this much
)

// Read reads up to len(p) of the unread bytes into p; io.EOF where there are none and p is not
// empty.
func (b *Buffer) Read(p []byte) (n int, err error) {
	from := b.unread("Read")
	b.last = other
	if len(from) == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	n = copy(p, from)
	b.read(n)
	runtime.KeepAlive(b)
	return n, nil
}

// read notes that n of the unread bytes were read.
func (b *Buffer) read(n int) {
	b.off += n
	b.last = other
	if n > 0 {
		b.last = someRead
	}
}

// Next returns the next n unread bytes, or all where they are fewer, and counts them as read. They
// are valid as those of Bytes are. It panics with a *cmem.MisuseError where n is negative.
func (b *Buffer) Next(n int) []byte {
	from := b.unread("Next")
	if n < 0 {
		misuse("Buffer.Next", "%d bytes: want 0 or more", n)
	}
	n = min(n, len(from))
	b.read(n)
	return from[:n:n]
}

// Peek is Next that leaves the bytes unread. Where they are fewer than n its error is io.EOF.
func (b *Buffer) Peek(n int) ([]byte, error) {
	from := b.unread("Peek")
	if n < 0 {
		misuse("Buffer.Peek", "%d bytes: want 0 or more", n)
	}
	if n > len(from) {
		return from, io.EOF
	}
	return from[:n:n], nil
}

// ReadByte reads a byte; io.EOF where none is unread.
func (b *Buffer) ReadByte() (byte, error) {
	from := b.unread("ReadByte")
	b.last = other
	if len(from) == 0 {
		return 0, io.EOF
	}
	c := from[0]
	b.read(1)
	runtime.KeepAlive(b)
	return c, nil
}

// ReadRune reads a rune in UTF-8 and returns it with its length in bytes: utf8.RuneError and 1 where
// the next byte begins none; io.EOF where no byte is unread.
func (b *Buffer) ReadRune() (r rune, size int, err error) {
	from := b.unread("ReadRune")
	b.last = other
	if len(from) == 0 {
		return 0, 0, io.EOF
	}
	r, size = utf8.DecodeRune(from)
	b.off += size
	b.last = lastOp(size)
	runtime.KeepAlive(b)
	return r, size, nil
}

// UnreadByte makes the last byte unread again that the last operation, a successful read, has read.
func (b *Buffer) UnreadByte() error {
	b.block("UnreadByte")
	if b.last == other {
		return errors.New("buf: UnreadByte: the last operation has read nothing")
	}
	b.last = other
	b.off--
	return nil
}

// UnreadRune makes the rune unread again that the last operation, a ReadRune, has read.
func (b *Buffer) UnreadRune() error {
	b.block("UnreadRune")
	if b.last <= other {
		return errors.New("buf: UnreadRune: the last operation was no successful ReadRune")
	}
	b.off -= int(b.last)
	b.last = other
	return nil
}

// ReadBytes reads up to the first delim, that included, and returns a copy in Go memory; all that is
// unread, and io.EOF, where there is none.
func (b *Buffer) ReadBytes(delim byte) (line []byte, err error) {
	line = append(line, b.readTo("ReadBytes", delim, &err)...)
	runtime.KeepAlive(b)
	return line, err
}

// ReadString is ReadBytes that returns a string.
func (b *Buffer) ReadString(delim byte) (line string, err error) {
	line = string(b.readTo("ReadString", delim, &err))
	runtime.KeepAlive(b)
	return line, err
}

func (b *Buffer) readTo(method string, delim byte, err *error) []byte {
	from := b.unread(method)
	n := bytes.IndexByte(from, delim) + 1
	if n == 0 {
		n, *err = len(from), io.EOF
	}
	b.read(n)
	return from[:n]
}

// WriteTo writes all unread bytes to w, by one Write, and returns how many w has taken: those count
// as read. An error is w's, or io.ErrShortWrite, or says that w returns a count that cannot be, or
// has read from b or reset it meanwhile.
func (b *Buffer) WriteTo(w io.Writer) (n int64, err error) {
	from := b.unread("WriteTo")
	b.last = other
	if len(from) == 0 {
		return 0, nil
	}
	off, base := b.off, b.base
	m, err := w.Write(from)
	if err := checkWrite(w, m, len(from)); err != nil {
		return 0, err
	}
	b.block("WriteTo")
	if b.off != off || b.base != base || b.end < off+m {
		return int64(m), fmt.Errorf("buf: a %T's Write has changed the buffer that it is given", w)
	}
	b.off += m
	b.last = other
	if m < len(from) && err == nil {
		err = io.ErrShortWrite
	}
	return int64(m), err
}

// Seek sets where the next read begins, and returns that position. It goes from the first byte that
// is still there to the end of the last; elsewhere it returns an error, and changes nothing.
func (b *Buffer) Seek(offset int64, whence int) (int64, error) {
	b.block("Seek")
	from := b.base
	switch whence {
	case io.SeekStart:
		from = 0
	case io.SeekCurrent:
		from += int64(b.off)
	case io.SeekEnd:
		from += int64(b.end)
	default:
		return 0, fmt.Errorf("buf: Seek: whence is %d, want io.SeekStart, io.SeekCurrent or io.SeekEnd", whence)
	}
	first, last := b.base, b.base+int64(b.end)
	if offset < first-from || offset > last-from {
		return 0, fmt.Errorf("buf: Seek: %d bytes from %d is outside of what the buffer holds, from %d to %d",
			offset, from, first, last)
	}
	b.last = other
	b.off = int(from + offset - b.base)
	return from + offset, nil
}
