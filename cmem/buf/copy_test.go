package buf

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestCopy(t *testing.T) {
	noLeak(t)
	rng := newRand(t)
	plain := func(r io.Reader) io.Reader { return readerFunc(r.Read) }
	for _, n := range []int{0, 1, copySize - 1, copySize, copySize + 1, 300_000} {
		content := text(rng, n)
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"plain": plain, "WriterTo": func(r io.Reader) io.Reader { return r },
			"HalfReader": iotest.HalfReader, "DataErrReader": iotest.DataErrReader,
			"LimitedReader": func(r io.Reader) io.Reader { return io.LimitReader(plain(r), int64(n)) },
			"more":          func(r io.Reader) io.Reader { return io.LimitReader(plain(r), 1<<40) },
		} {
			var b bytes.Buffer
			before := statsNow().Mallocs
			got, err := Copy(writerFunc(b.Write), wrap(bytes.NewReader(content)))
			if got != int64(n) || err != nil || !bytes.Equal(b.Bytes(), content) {
				t.Errorf("%s, %d bytes: %d, %v", name, n, got, err)
			}
			if got := statsNow().Mallocs - before; got != 1 {
				t.Errorf("%s: %d buffers of cmem's, want 1", name, got)
			}
		}
	}
	if n, err := Copy(io.Discard, io.LimitReader(strings.NewReader("some"), -5)); n != 0 || err != nil {
		t.Errorf("Copy of less than nothing: %d, %v", n, err)
	}
	broken := errors.New("broken")
	r := io.MultiReader(strings.NewReader("some"), iotest.ErrReader(broken))
	if n, err := Copy(new(strings.Builder), r); n != 4 || err != broken {
		t.Errorf("Copy = %d, %v, want 4, broken", n, err)
	}
	if n, err := Copy(writerFunc((&stingy{most: 3}).Write), plain(strings.NewReader("some"))); n != 3 || err != errStingy {
		t.Errorf("Copy = %d, %v, want 3, %v", n, err, errStingy)
	}
	Copy(writerFunc(io.Discard.Write), readerFunc(func(p []byte) (int, error) {
		if len(p) != copySize {
			t.Errorf("Copy reads %d bytes at once, want %d", len(p), copySize)
		}
		return 0, io.EOF
	}))
	panicOf(func() { Copy(io.Discard, readerFunc(func([]byte) (int, error) { panic("mine") })) })
}
