package memproto

import (
	"bytes"
	"fmt"
	"strconv"
)

// The answers without data, without their line end.
const (
	End      = "END"
	Stored   = "STORED"
	Deleted  = "DELETED"
	NotFound = "NOT_FOUND"
)

// Value is the line that comes before the body of a value found:
// "VALUE <key> <flags> <bytes> [<cas>]".
type Value struct {
	Key    []byte // part of the parsed line
	Flags  uint32
	Length int // of the body in bytes, without its line end
	CAS    uint64
	HasCAS bool // gets answers with the number, get without
}

// ParseValue reads a VALUE line, given without its line end.
func ParseValue(line []byte) (Value, error) {
	var fields [5][]byte
	n := 0
	for field := range bytes.SplitSeq(line, []byte{' '}) {
		if n == len(fields) {
			return Value{}, fmt.Errorf("memproto: %q has too many words for a VALUE line", line)
		}
		fields[n] = field
		n++
	}
	if n < 4 || string(fields[0]) != "VALUE" || !validKey(fields[1]) {
		return Value{}, fmt.Errorf("memproto: got %.100q, expected a VALUE line", line)
	}
	v := Value{Key: fields[1], HasCAS: n == 5}
	flags, err1 := strconv.ParseUint(string(fields[2]), 10, 32)
	length, err2 := strconv.ParseUint(string(fields[3]), 10, 31)
	var err3 error
	if v.HasCAS {
		v.CAS, err3 = strconv.ParseUint(string(fields[4]), 10, 64)
	}
	if err1 != nil || err2 != nil || err3 != nil || length > MaxBody {
		return Value{}, fmt.Errorf("memproto: bad number in the VALUE line %q", line)
	}
	v.Flags, v.Length = uint32(flags), int(length)
	return v, nil
}

// AppendValue appends v as a VALUE line; the body and a line end follow it.
func AppendValue(dst []byte, v Value) []byte {
	dst = append(dst, "VALUE "...)
	dst = append(dst, v.Key...)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, uint64(v.Flags), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(v.Length), 10)
	if v.HasCAS {
		dst = append(dst, ' ')
		dst = strconv.AppendUint(dst, v.CAS, 10)
	}
	return append(dst, CRLF...)
}
