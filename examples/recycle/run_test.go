package main

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asProgram, where it is set, makes this test binary the program itself: children of it are then the program, too.
const asProgram = "RECYCLE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program is a command that runs the program.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// TestWhole runs two modes for about two seconds in all and looks at every file.
func TestWhole(t *testing.T) {
	dir := t.TempDir()
	cmd := program(t, "-mode", "pool,cmem", "-out", dir, "-live", "3", "-burst", "6", "-rate", "50",
		"-seconds", "0.4", "-burst-seconds", "0.2", "-after", "0.2", "-silence", "0.2")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	summary, err := os.ReadFile(filepath.Join(dir, "summary.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stdout.String(), string(summary)) {
		t.Errorf("summary.md is\n%s\nand printed was\n%s", summary, stdout.String())
	}
	for _, mode := range []string{"pool", "cmem"} {
		if !strings.Contains(string(summary), "| "+mode) {
			t.Errorf("mode %s is not in the table:\n%s", mode, summary)
		}
		// A line a sample, under the columns' names: mode, "0 of 1", phase, and seven figures.
		if n := len(regexp.MustCompile(`(?m)^`+mode+` +\d+ of 1  [a-z]+( +\d+){7}$`).FindAllString(stderr.String(),
			-1)); n < 8 {
			t.Errorf("%d lines of mode %s in:\n%s", n, mode, stderr.String())
		}
		samples, err := readSampleFile(filepath.Join(dir, mode+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		for _, phase := range []string{steady, burst, after, silence} {
			first, last := bounds(samples, phase)
			if first == nil || first == last {
				t.Fatalf("mode %s has no two samples in phase %s", mode, phase)
			}
			if held := last.live > 0; held != (phase != silence) {
				t.Errorf("mode %s: %d bytes live in phase %s", mode, last.live, phase)
			}
			if last.rss < last.live/2 || last.heapSys == 0 || last.makes == 0 || last.makes > last.gets {
				t.Errorf("mode %s in phase %s: %+v", mode, phase, last)
			}
		}
	}
	for _, name := range []string{"pool.svg", "cmem.svg", "all.svg"} {
		checkXML(t, filepath.Join(dir, name))
	}
}

// checkXML reads a whole file as XML.
func checkXML(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for d := xml.NewDecoder(f); ; {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// TestOneMode writes to the files that were named, and nowhere else.
func TestOneMode(t *testing.T) {
	dir := t.TempDir()
	cmd := program(t, "-mode", "recycler", "-csv", filepath.Join(dir, "a", "x.csv"), "-svg",
		filepath.Join(dir, "b", "x.svg"),
		"-live", "2", "-burst", "0", "-seconds", "0.2", "-silence", "0")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "| recycler |") {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := readSampleFile(filepath.Join(dir, "a", "x.csv")); err != nil {
		t.Error(err)
	}
	checkXML(t, filepath.Join(dir, "b", "x.svg"))
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v in the directory, expected a and b", entries, err)
	}
}

// TestPipe writes the samples to standard output, by either name, for a reader that has enough after two lines.
func TestPipe(t *testing.T) {
	for _, csv := range []string{"-", "/dev/stdout"} {
		cmd := program(t, "-mode", "gc", "-csv", csv, "-svg", filepath.Join(t.TempDir(), "x.svg"), "-live", "1", "-burst",
			"0", "-seconds", "3600")
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill()
		lines := bufio.NewScanner(out)
		for i, want := range []string{"seconds,phase,", "0."} {
			if !lines.Scan() || !strings.HasPrefix(lines.Text(), want) {
				t.Errorf("-csv %s: line %d is %q, want %q", csv, i+1, lines.Text(), want)
			}
		}
		out.Close()
		err = cmd.Wait()
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGPIPE {
			t.Errorf("-csv %s: %v, want its end by SIGPIPE", csv, err)
		}
	}
}

// TestCSVOnly has nothing but the CSV on standard output.
func TestCSVOnly(t *testing.T) {
	cmd := program(t, "-mode", "gc", "-csv", "-", "-svg", filepath.Join(t.TempDir(), "x.svg"), "-live", "1", "-burst", "0",
		"-seconds", "0.2", "-after", "0", "-silence", "0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if _, err := readSamples(bytes.NewReader(out)); err != nil || !strings.Contains(stderr.String(), "| gc ") {
		t.Errorf("%v; standard error, which is to have the table, is\n%s", err, &stderr)
	}
}

// TestInterrupt ends the parent alone, as kill does; it takes its child along. The child holds the
// pipe of standard error as well, so Wait returns when both are gone.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	cmd := program(t, "-mode", "gc,pool", "-out", dir, "-live", "1", "-burst", "0", "-seconds", "3600")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	csv := filepath.Join(dir, "gc.csv")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if samples, err := readSampleFile(csv); err == nil && len(samples) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no child has written samples")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 128+int(syscall.SIGTERM) {
			t.Errorf("%v, expected exit status %d\n%s", err, 128+int(syscall.SIGTERM), stderr.String())
		}
	case <-time.After(30 * time.Second):
		t.Error("parent or child still runs")
	}
}

// TestNoPlace fails where results cannot be written, and says where.
func TestNoPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"gc", "gc,pool"} {
		out, err := program(t, "-mode", mode, "-out", file).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitFailed || !strings.Contains(string(out), file) {
			t.Errorf("-mode %s: %v, expected exit status %d and a message with %s:\n%s", mode, err, exitFailed, file, out)
		}
	}
}
