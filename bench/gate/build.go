package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gocmem/cmem/internal/ending"
)

// A side is one of the two libraries: the folder with the benchmarks that were built with it.
type side struct{ bin string }

// buildBoth builds both sides in dir.
func buildBoth(ctx context.Context, dir, commit string, stderr io.Writer) (base, now side, err error) {
	here, err := os.Getwd()
	if err != nil {
		return base, now, err
	}
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o777); err != nil {
		return base, now, err
	}
	archive := filepath.Join(dir, "tree.tar")
	if err := command(ctx, stderr, here, "git", "archive", "-o", archive, commit); err != nil {
		return base, now, err
	}
	if err := command(ctx, stderr, here, "tar", "-xf", archive, "-C", tree); err != nil {
		return base, now, err
	}
	// What the benchmarks use of the root module beside the library is this tree's.
	if err := os.RemoveAll(filepath.Join(tree, "internal")); err != nil {
		return base, now, err
	}
	if err := os.CopyFS(filepath.Join(tree, "internal"), os.DirFS("internal")); err != nil {
		return base, now, err
	}
	if base, err = build(ctx, dir, "base", here, tree, stderr); err == nil {
		now, err = build(ctx, dir, "now", here, here, stderr)
	}
	return base, now, err
}

// build builds the benchmarks of the tree here with the library of the other.
func build(ctx context.Context, dir, name, here, library string, stderr io.Writer) (side, error) {
	s := side{filepath.Join(dir, name)}
	if err := os.Mkdir(s.bin, 0o777); err != nil {
		return s, err
	}
	for _, p := range []struct{ module, program string }{{"bench/peers", "."}, {"bench", "./footprint"}} {
		mod := filepath.Join(s.bin, strings.ReplaceAll(p.module, "/", "-")+".mod")
		replaced := map[string]string{"github.com/gocmem/cmem": library,
			"github.com/gocmem/cmem/bench": filepath.Join(here, "bench")}
		if err := writeMod(filepath.Join(here, p.module), mod, replaced); err != nil {
			return s, err
		}
		program := filepath.Join(s.bin, filepath.Base(filepath.Join(p.module, p.program)))
		if err := command(ctx, stderr, filepath.Join(here, p.module), "env", "GOWORK=off",
			"go", "build", "-mod=mod", "-modfile="+mod, "-o", program, p.program); err != nil {
			return s, err
		}
	}
	if err := command(ctx, stderr, library, "make", "lib"); err != nil {
		return s, err
	}
	return s, command(ctx, stderr, here, "cc", "-std=gnu11", "-O2", "-pthread", "-Ic", "-Itests/c",
		"bench/c/bench_alloc.c",
		filepath.Join(library, "build/lib/libcmem.a"), "-ldl", "-o", filepath.Join(s.bin, "bench_alloc"))
}

// writeMod writes the go.mod and go.sum of the module in dir to file, with replacements for those
// of these modules that it requires.
func writeMod(dir, file string, replaced map[string]string) error {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return err
	}
	for path, to := range replaced {
		if strings.Contains(string(mod), path+" v") {
			mod = fmt.Appendf(mod, "\nreplace %s => %s\n", path, to)
		}
	}
	if err := os.WriteFile(file, mod, 0o666); err != nil {
		return err
	}
	return os.WriteFile(strings.TrimSuffix(file, ".mod")+".sum", sum, 0o666)
}

// command runs a command in dir and shows what it prints where it fails.
func command(ctx context.Context, stderr io.Writer, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // for what it has started, which has our pipe
	ending.Bind(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		_, _ = stderr.Write(out)
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}
