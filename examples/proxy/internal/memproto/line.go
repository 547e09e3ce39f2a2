package memproto

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

const (
	// MaxLine is the longest line in bytes, its end included: room for a get of
	// 250 of the longest keys.
	MaxLine = 64 << 10
	// ReadBuffer is a sensible size in bytes for the bufio.Reader under
	// ReadLine. It is small because there is one for each connection and bodies
	// pass it by: a read larger than the buffer goes straight to its target.
	ReadBuffer = 4 << 10
)

// ReadLine returns the next line of r without its end, which is "\n" or "\r\n".
// The line is valid until the next read. The error is io.EOF at the end of the
// stream, io.ErrUnexpectedEOF when the stream ends within a line, and
// ErrLineTooLong for a line of more than MaxLine bytes, which is skipped without
// being kept: the next call reads the line after it.
func ReadLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = readLong(r, bytes.Clone(line))
	}
	if err != nil {
		if len(line) > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if len(line) > MaxLine {
		return nil, ErrLineTooLong
	}
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, nil
}

// readLong reads the rest of a line that begins with start. What goes beyond
// MaxLine is cut off, but for a few bytes that show that something was.
func readLong(r *bufio.Reader, start []byte) ([]byte, error) {
	line := start
	for {
		more, err := r.ReadSlice('\n')
		if len(line) <= MaxLine {
			line = append(line, more...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
