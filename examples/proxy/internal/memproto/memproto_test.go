package memproto

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	longest := strings.Repeat("k", MaxKey)
	tests := []struct {
		line string
		want Request
		keys []string
		err  error
	}{
		{line: "get a", want: Request{Verb: Get}, keys: []string{"a"}},
		{line: "  gets  a   bb ", want: Request{Verb: Gets}, keys: []string{"a", "bb"}},
		{line: "get " + longest, want: Request{Verb: Get}, keys: []string{longest}},
		{line: "get a\x80b", want: Request{Verb: Get}, keys: []string{"a\x80b"}},
		{line: "set a 4294967295 -1 07", want: Request{Verb: Set, Flags: 1<<32 - 1, Exptime: -1, Length: 7},
			keys: []string{"a"}},
		{line: "set a 1 2 2147483645 noreply", want: Request{Verb: Set, Flags: 1, Exptime: 2, Length: MaxBody, NoReply: true},
			keys: []string{"a"}},
		{line: "set a 0 0 1 else", want: Request{Verb: Set, Length: 1}, keys: []string{"a"}},
		{line: "delete a", want: Request{Verb: Delete}, keys: []string{"a"}},
		{line: "delete noreply", want: Request{Verb: Delete}, keys: []string{"noreply"}},
		{line: "delete a 0 noreply", want: Request{Verb: Delete, NoReply: true}, keys: []string{"a"}},
		{line: "version 1", want: Request{Verb: Version}},
		{line: "quit now", want: Request{Verb: Quit}},

		{line: "", err: ErrCommand},
		{line: "   ", err: ErrCommand},
		{line: "GET a", err: ErrCommand},
		{line: "get", err: ErrCommand},
		{line: "add a 0 0 1", err: ErrCommand},
		{line: "set a 0 0", err: ErrCommand},
		{line: "set a 0 0 1 noreply x", err: ErrCommand},
		{line: "delete", err: ErrCommand},
		{line: "delete a 0 noreply x", err: ErrCommand},
		{line: "get a " + longest + "k", err: ErrFormat},
		{line: "get a\x00b", err: ErrFormat},
		{line: "get a\r", err: ErrFormat},
		{line: "get a\x7f", err: ErrFormat},
		{line: "set " + longest + "k 0 0 1", err: ErrFormat},
		{line: "set a -1 0 1", err: ErrFormat},
		{line: "set a 4294967296 0 1", err: ErrFormat},
		{line: "set a 0 x 1", err: ErrFormat},
		{line: "set a 0 0 -1", err: ErrFormat},
		{line: "set a 0 0 1_0", err: ErrFormat},
		{line: "set a 0 0 2147483646", err: ErrFormat},
		{line: "set a 0 0 99999999999999999999", err: ErrFormat},
		{line: "set a x 0 1 noreply", want: Request{NoReply: true}, err: ErrFormat},
		{line: "delete a 1", err: ErrDeleteUsage},
		{line: "delete a 1 noreply", want: Request{NoReply: true}, err: ErrDeleteUsage},
		{line: "delete a\x01", err: ErrFormat},
	}
	var r Request // one for all lines, as a connection has it
	for _, tt := range tests {
		err := r.Parse([]byte(tt.line))
		if !errors.Is(err, tt.err) {
			t.Errorf("Parse(%.60q): error %v, want %v", tt.line, err, tt.err)
			continue
		}
		var keys []string
		for _, key := range r.Keys {
			keys = append(keys, string(key))
		}
		got := r
		got.Keys, got.fields = nil, nil
		if !reflect.DeepEqual(got, tt.want) || !reflect.DeepEqual(keys, tt.keys) {
			t.Errorf("Parse(%.60q) = %+v, keys %q, want %+v, keys %q", tt.line, got, keys, tt.want, tt.keys)
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	if strings.HasPrefix(runtime.Version(), "go1.24") {
		t.Skip("Go 1.24 has the functions of a range over bytes.FieldsSeq on the heap")
	}
	line := []byte("set some-key 7 0 102400 noreply")
	var r Request
	if n := testing.AllocsPerRun(100, func() {
		if err := r.Parse(line); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Parse allocates %v times a line, want 0", n)
	}
}

func TestParseValue(t *testing.T) {
	for _, want := range []Value{
		{Key: []byte("a"), Length: 0},
		{Key: []byte("key"), Flags: 1<<32 - 1, Length: MaxBody, CAS: 1<<64 - 1, HasCAS: true},
	} {
		line := AppendValue(nil, want)
		got, err := ParseValue(bytes.TrimSuffix(line, []byte(CRLF)))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ParseValue(%q) = %+v, %v, want %+v", line, got, err, want)
		}
	}
	for _, line := range []string{
		"", "END", "VALUE", "VALUE a 0", "VALUE a 0 x", "VALUE a 0 -1", "VALUE a -1 1", "VALUE a 0 1 x",
		"VALUE a 0 1 2 3", "VALUE  a 0 1", "value a 0 1", "VALUE a 0 2147483646", "SERVER_ERROR a 0 1",
	} {
		if v, err := ParseValue([]byte(line)); err == nil {
			t.Errorf("ParseValue(%q) = %+v, want an error", line, v)
		}
	}
}

func TestReadLine(t *testing.T) {
	fits := strings.Repeat("x", MaxLine-2)
	tests := []struct {
		name, in string
		lines    []string
		err      error
	}{
		{"ends", "a\r\nb\n\n\r\nc\r\r\n", []string{"a", "b", "", "", "c\r"}, io.EOF},
		{"cut", "a\r\nb", []string{"a"}, io.ErrUnexpectedEOF},
		{"longest", fits + "\r\nb\n", []string{fits, "b"}, io.EOF},
		{"too long by one", fits + "x\r\nb\n", []string{"<too long>", "b"}, io.EOF},
		{"far too long", "a\n" + strings.Repeat("x", 3*MaxLine) + "\nb\n", []string{"a", "<too long>", "b"}, io.EOF},
		{"endless", strings.Repeat("x", 3*MaxLine), nil, io.ErrUnexpectedEOF},
		{"long and cut", strings.Repeat("x", 2*ReadBuffer), nil, io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		r := bufio.NewReaderSize(strings.NewReader(tt.in), ReadBuffer)
		var lines []string
		var err error
		for {
			var line []byte
			if line, err = ReadLine(r); errors.Is(err, ErrLineTooLong) {
				line = []byte("<too long>")
			} else if err != nil {
				break
			}
			lines = append(lines, string(line))
		}
		if !errors.Is(err, tt.err) || !reflect.DeepEqual(lines, tt.lines) {
			t.Errorf("%s: %d lines, error %v, want %d lines, error %v", tt.name, len(lines), err, len(tt.lines), tt.err)
		}
	}
}

// FuzzParse holds Parse to two promises on any line: what it accepts is within
// the protocol's limits, and written out again it means the same.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"get a b", "gets a", "set a 1 2 3 noreply", "set a 0 0 2147483645", "delete a 0 noreply",
		"delete noreply", "version", "quit", "", " ", "set \x00 0 0 1", "set a +1 +1 +1",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var r Request
		if err := r.Parse(line); err != nil {
			var e Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v (%T) is not an answer of the protocol", err, err)
			}
			return
		}
		for _, key := range r.Keys {
			if !validKey(key) || bytes.ContainsRune(key, ' ') {
				t.Fatalf("accepted the key %q", key)
			}
		}
		var again []byte
		switch r.Verb {
		case Get, Gets:
			again = AppendRetrieval(nil, r.Verb, r.Keys...)
		case Set:
			if r.Length < 0 || r.Length > MaxBody {
				t.Fatalf("accepted the length %d", r.Length)
			}
			again = AppendSet(nil, r.Keys[0], r.Flags, r.Exptime, r.Length)
		case Delete:
			again = AppendDelete(nil, r.Keys[0])
		default:
			return
		}
		var second Request
		if err := second.Parse(bytes.TrimSuffix(again, []byte(CRLF))); err != nil {
			t.Fatalf("%q written as %q is refused: %v", line, again, err)
		}
		second.NoReply = r.NoReply // said by a word that is not written again
		r.fields, second.fields = nil, nil
		if !reflect.DeepEqual(r, second) {
			t.Fatalf("%q = %+v, written as %q = %+v", line, r, again, second)
		}
	})
}

// FuzzParseValue does the same for the line a server answers with.
func FuzzParseValue(f *testing.F) {
	f.Add([]byte("VALUE a 0 10"))
	f.Add([]byte("VALUE key 4294967295 0 18446744073709551615"))
	f.Add([]byte("END"))
	f.Fuzz(func(t *testing.T, line []byte) {
		v, err := ParseValue(line)
		if err != nil {
			return
		}
		again := AppendValue(nil, v)
		second, err := ParseValue(bytes.TrimSuffix(again, []byte(CRLF)))
		if err != nil || !reflect.DeepEqual(v, second) {
			t.Fatalf("%q = %+v, written as %q = %+v, %v", line, v, again, second, err)
		}
	})
}
