package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// corpus is the text that bodies are cut from: the contents of real files, one
// after the other. It is never changed after readCorpus.
type corpus struct {
	data  []byte
	files int
	roots []string // where the files are from, each with its part
}

// source is a directory tree to take files from, and which of them.
type source struct {
	root string
	want func(name string) bool
}

func anyFile(string) bool { return true }

func isSharedLibrary(name string) bool { return strings.Contains(name, ".so") }

// defaultSources are the Go source tree, the system's documentation and its
// shared libraries: text that compresses, text that is compressed, and machine
// code. Those that a machine lacks are left out.
func defaultSources(ctx context.Context) []source {
	sources := []source{
		{"/usr/share/doc", anyFile},
		{"/usr/lib", isSharedLibrary},
	}
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if root := strings.TrimSpace(string(out)); err == nil && root != "" {
		sources = append(sources, source{filepath.Join(root, "src"), anyFile})
	}
	return sources
}

// maxFile is the most bytes taken of one file, so that one large library does
// not make up the whole corpus.
const maxFile = 4 << 20

// readCorpus gathers size bytes from files of the sources, in equal parts as far
// as they go, choosing the files by rng.
func readCorpus(ctx context.Context, sources []source, size int, rng *rand.Rand) (*corpus, error) {
	c := &corpus{data: make([]byte, 0, size)}
	for i, src := range sources {
		// What an earlier source lacked, the later ones make up for.
		quota := len(c.data) + (size-len(c.data))/(len(sources)-i)
		if err := c.take(ctx, src, quota, rng); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// take appends files of src until there are upTo bytes.
func (c *corpus) take(ctx context.Context, src source, upTo int, rng *rand.Rand) error {
	paths, err := src.list(ctx)
	if err != nil {
		return err
	}
	rng.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	files, before := 0, len(c.data)
	for _, path := range paths {
		if len(c.data) >= upTo {
			break
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) == 0 {
			continue // not for us, or gone: another will do
		}
		files++
		c.data = append(c.data, data[:min(len(data), maxFile, upTo-len(c.data))]...)
	}
	if files > 0 {
		c.files += files
		c.roots = append(c.roots, fmt.Sprintf("%s (%d files, %.1f MiB)", src.root, files,
			float64(len(c.data)-before)/(1<<20)))
	}
	return nil
}

// list returns the source's regular files in an order that is always the same.
// What cannot be read is left out.
func (s source) list(ctx context.Context) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(s.root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && (errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)):
			return nil
		case err != nil:
			return err
		}
		if d.Type().IsRegular() && s.want(d.Name()) {
			paths = append(paths, path)
		}
		return nil
	})
	return paths, err
}

// body is a piece of the corpus, and what a key is remembered to hold.
type body struct {
	offset, length int
	checksum       uint32 // travels as the item's flags
}

// bytes returns the body's content, which is not to be changed.
func (c *corpus) bytes(b body) []byte { return c.data[b.offset : b.offset+b.length] }

// matches says whether got is what the body has at position at.
func (c *corpus) matches(b body, at int, got []byte) bool {
	return bytes.Equal(c.bytes(b)[at:at+len(got)], got)
}
