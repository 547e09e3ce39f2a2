// Package memproto reads and writes the part of memcached's text protocol that
// the proxy, its store and its load generator speak: get, gets, set, delete,
// version and quit.
//
// It answers mistakes as memcached 1.6 does, byte for byte, with three
// exceptions: a key with a control character is refused, flags must fit 32 bits
// as the protocol says, and an overlong line is skipped and answered where
// memcached closes the connection without a word.
package memproto

import (
	"bytes"
	"strconv"
)

const (
	// MaxKey is the longest key in bytes.
	MaxKey = 250
	// MaxBody is the largest body length in bytes that is understood at all:
	// with its line end it must fit memcached's 32-bit integer. What a server
	// accepts is a smaller limit of its own.
	MaxBody = 1<<31 - 3
)

// CRLF ends every line and every body.
const CRLF = "\r\n"

// Error is an error line of the protocol, without its line end. It is sent to
// the client as it stands.
type Error string

// Error returns the line.
func (e Error) Error() string { return string(e) }

// The error lines.
const (
	ErrCommand     Error = "ERROR"
	ErrFormat      Error = "CLIENT_ERROR bad command line format"
	ErrDeleteUsage Error = "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]"
	ErrDataChunk   Error = "CLIENT_ERROR bad data chunk"
	ErrLineTooLong Error = "CLIENT_ERROR line too long"
	ErrTooLarge    Error = "SERVER_ERROR object too large for cache"
	ErrOutOfMemory Error = "SERVER_ERROR out of memory storing object"
)

// Verb is a command's name.
type Verb uint8

// The commands.
const (
	Get Verb = iota
	Gets
	Set
	Delete
	Version
	Quit
	// Verbs is how many commands there are.
	Verbs
)

var verbNames = [Verbs]string{"get", "gets", "set", "delete", "version", "quit"}

// String returns the command as it stands in a request line.
func (v Verb) String() string { return verbNames[v] }

// Request is one command line. The zero value is ready for Parse, and using one
// Request for all lines of a connection spares their allocations.
type Request struct {
	Verb Verb
	// Keys are parts of the parsed line, valid as long as that is: one or more
	// for get and gets, one for set and delete.
	Keys [][]byte
	// Flags, Exptime and Length belong to set. Length is the body's, in bytes,
	// without its line end.
	Flags   uint32
	Exptime int64
	Length  int
	// NoReply says that the client wants no answer, not even an error. Parse
	// sets it on lines it refuses as well.
	NoReply bool

	fields [][]byte
}

// keptFields bounds the fields a Request keeps between lines, so that one
// enormous multi-get does not cost its memory as long as the connection lives.
const keptFields = 128

// Parse reads one command line, given without its line end. It returns nil or
// an Error to answer with; after an Error only NoReply has a meaning.
func (r *Request) Parse(line []byte) error {
	if cap(r.fields) > keptFields {
		r.fields = nil
	}
	fields := r.fields[:0]
	for field := range bytes.SplitSeq(line, []byte{' '}) {
		if len(field) > 0 {
			fields = append(fields, field)
		}
	}
	*r = Request{fields: fields}
	if len(fields) == 0 {
		return ErrCommand
	}
	args := fields[1:]
	switch string(fields[0]) {
	case "get":
		return r.retrieval(Get, args)
	case "gets":
		return r.retrieval(Gets, args)
	case "set":
		return r.set(args)
	case "delete":
		return r.delete(args)
	case "version":
		r.Verb = Version
	case "quit":
		r.Verb = Quit
	default:
		return ErrCommand
	}
	return nil
}

func (r *Request) retrieval(verb Verb, args [][]byte) error {
	if len(args) == 0 {
		return ErrCommand
	}
	for _, key := range args {
		if !validKey(key) {
			return ErrFormat
		}
	}
	r.Verb, r.Keys = verb, args
	return nil
}

// set reads "<key> <flags> <exptime> <bytes> [noreply]". As in memcached, a
// fifth word other than noreply is ignored.
func (r *Request) set(args [][]byte) error {
	if len(args) < 4 || len(args) > 5 {
		return ErrCommand
	}
	r.NoReply = string(args[len(args)-1]) == "noreply"
	flags, err1 := strconv.ParseUint(string(args[1]), 10, 32)
	exptime, err2 := strconv.ParseInt(string(args[2]), 10, 64)
	length, err3 := strconv.ParseInt(string(args[3]), 10, 32)
	if err1 != nil || err2 != nil || err3 != nil || length < 0 || length > MaxBody || !validKey(args[0]) {
		return ErrFormat
	}
	r.Verb, r.Keys = Set, args[:1]
	r.Flags, r.Exptime, r.Length = uint32(flags), exptime, int(length)
	return nil
}

// delete reads "<key> [0] [noreply]"; the 0 is what is left of a time that old
// clients still send.
func (r *Request) delete(args [][]byte) error {
	if len(args) == 0 || len(args) > 3 {
		return ErrCommand
	}
	rest := args[1:]
	if len(rest) > 0 && string(rest[len(rest)-1]) == "noreply" {
		r.NoReply = true
		rest = rest[:len(rest)-1]
	}
	if len(rest) > 1 || len(rest) == 1 && string(rest[0]) != "0" {
		return ErrDeleteUsage
	}
	if !validKey(args[0]) {
		return ErrFormat
	}
	r.Verb, r.Keys = Delete, args[:1]
	return nil
}

// validKey says whether key has a legal length and no control character; that
// it has no space is the field splitting's work.
func validKey(key []byte) bool {
	if len(key) == 0 || len(key) > MaxKey {
		return false
	}
	for _, c := range key {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// AppendRetrieval appends the request line "get <key>…" or "gets <key>…".
func AppendRetrieval(dst []byte, verb Verb, keys ...[]byte) []byte {
	dst = append(dst, verb.String()...)
	for _, key := range keys {
		dst = append(dst, ' ')
		dst = append(dst, key...)
	}
	return append(dst, CRLF...)
}

// AppendSet appends the request line of a set; the body and a line end follow it.
func AppendSet(dst, key []byte, flags uint32, exptime int64, length int) []byte {
	dst = append(dst, "set "...)
	dst = append(dst, key...)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, uint64(flags), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, exptime, 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(length), 10)
	return append(dst, CRLF...)
}

// AppendDelete appends the request line of a delete.
func AppendDelete(dst, key []byte) []byte {
	dst = append(dst, "delete "...)
	dst = append(dst, key...)
	return append(dst, CRLF...)
}
