package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gocmem/cmem/examples/proxy/internal/memproto"
)

// answerTimeout is the most that one command may take, both ways.
const answerTimeout = 30 * time.Second

// client is one connection to the proxy. An error of get or set leaves it in an
// unknown state, in which it is only good for close.
type client struct {
	conn    net.Conn
	r       *bufio.Reader
	corpus  *corpus
	request []byte // scratch
	chunk   []byte // what was read of a body, until it is compared
}

// chunkSize is how much of a body is compared at a time.
const chunkSize = 64 << 10

// errMismatch is wrapped by get's error when a value is not what was set.
var errMismatch = errors.New("mismatch")

func dial(ctx context.Context, addr string, c *corpus) (*client, error) {
	d := net.Dialer{Timeout: answerTimeout}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{
		conn:   conn,
		r:      bufio.NewReaderSize(conn, memproto.ReadBuffer),
		corpus: c,
		chunk:  make([]byte, chunkSize),
	}, nil
}

func (c *client) close() { c.conn.Close() }

func (c *client) send(parts ...[]byte) error {
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	vec := net.Buffers(parts)
	_, err := vec.WriteTo(c.conn)
	return err
}

// set stores b under key.
func (c *client) set(key []byte, b body) error {
	c.request = memproto.AppendSet(c.request[:0], key, b.checksum, 0, b.length)
	if err := c.send(c.request, c.corpus.bytes(b), []byte(memproto.CRLF)); err != nil {
		return err
	}
	line, err := memproto.ReadLine(c.r)
	if err != nil {
		return err
	}
	if string(line) != memproto.Stored {
		return fmt.Errorf("set answered %q", line)
	}
	return nil
}

// get fetches keys and verifies every byte of every value. want returns what a
// key, one of keys, must hold. found is how many keys had a value, n the bytes of
// their bodies.
func (c *client) get(keys [][]byte, want func(key []byte) body) (found, n int, err error) {
	c.request = memproto.AppendRetrieval(c.request[:0], memproto.Get, keys...)
	if err := c.send(c.request); err != nil {
		return 0, 0, err
	}
	missing := append([][]byte(nil), keys...)
	for {
		line, err := memproto.ReadLine(c.r)
		if err != nil {
			return found, n, err
		}
		if string(line) == memproto.End {
			return found, n, nil
		}
		header, err := memproto.ParseValue(line)
		if err != nil {
			return found, n, fmt.Errorf("get answered %q", line)
		}
		i := index(missing, header.Key)
		if i < 0 {
			return found, n, fmt.Errorf("%w: a value for the key %q, which was not asked for or came before", errMismatch,
				header.Key)
		}
		key := missing[i]
		missing = append(missing[:i], missing[i+1:]...)
		if err := c.verify(key, header, want(key)); err != nil {
			return found, n, err
		}
		found++
		n += header.Length
	}
}

func index(keys [][]byte, key []byte) int {
	for i := range keys {
		if bytes.Equal(keys[i], key) {
			return i
		}
	}
	return -1
}

// verify reads the body that header announces and compares it with want.
func (c *client) verify(key []byte, header memproto.Value, want body) error {
	if header.Length != want.length || header.Flags != want.checksum {
		return fmt.Errorf("%w: %s has %d bytes, flags %08x; set were %d bytes, flags %08x",
			errMismatch, key, header.Length, header.Flags, want.length, want.checksum)
	}
	for at := 0; at < want.length; {
		part := c.chunk[:min(want.length-at, len(c.chunk))]
		if _, err := io.ReadFull(c.r, part); err != nil {
			return err
		}
		if !c.corpus.matches(want, at, part) {
			return fmt.Errorf("%w: %s, a body of %d bytes, differs between byte %d and %d",
				errMismatch, key, want.length, at, at+len(part))
		}
		at += len(part)
	}
	var end [len(memproto.CRLF)]byte
	if _, err := io.ReadFull(c.r, end[:]); err != nil {
		return err
	}
	if string(end[:]) != memproto.CRLF {
		return fmt.Errorf("%w: %s goes on after its %d bytes", errMismatch, key, want.length)
	}
	return nil
}
