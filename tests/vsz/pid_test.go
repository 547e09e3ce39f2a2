//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

package vsz

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ps reads a process's sizes as ps shows them.
func ps(t *testing.T, pid int) (virtual, resident int64) {
	t.Helper()
	out, err := exec.Command("ps", "-o", "vsz=,rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		t.Skipf("ps: %v", err)
	}
	f := strings.Fields(string(out))
	if len(f) != 2 {
		t.Fatalf("ps printed %q", out)
	}
	virtual, err = strconv.ParseInt(f[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if resident, err = strconv.ParseInt(f[1], 10, 64); err != nil {
		t.Fatal(err)
	}
	return virtual, resident
}

// TestPID explains a program that waits, and compares with ps.
func TestPID(t *testing.T) {
	dir := module(t, map[string]string{"main.go": waits})
	program := filepath.Join(dir, "app")
	buildIt := exec.Command("go", "build", "-o", program, ".")
	buildIt.Dir = dir
	if out, err := buildIt.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	app := exec.Command(program)
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		app.Process.Kill()
		app.Wait()
	}()
	time.Sleep(300 * time.Millisecond) // until its threads are there
	pid := strconv.Itoa(app.Process.Pid)
	c := vsz(t, dir, "--pid", pid, "--json", "-")
	c.want(0)
	var got struct {
		row
		PID     int    `json:"pid"`
		Program string `json:"program"`
		Map     []struct {
			Kind string `json:"kind"`
		} `json:"map"`
	}
	if err := json.Unmarshal(c.stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	virtual, resident := ps(t, app.Process.Pid)
	// The kernel's count that ps reads lags by up to some pages a CPU.
	if far := got.RSS - resident; got.VSZ != virtual || max(far, -far) > 1024 {
		t.Errorf("VSZ %d, RSS %d; ps says %d and %d", got.VSZ, got.RSS, virtual, resident)
	}
	var sum int64
	for _, k := range got.Kinds {
		sum += k.VSZ
	}
	if sum != got.VSZ || got.Program != program || len(got.Map) == 0 {
		t.Errorf("%s: kinds sum to %d of %d KiB, %d mappings", got.Program, sum, got.VSZ, len(got.Map))
	}

	c = vsz(t, dir, "--pid", pid, "--maps", "--csv", "a.csv", "--svg", "a.svg", "--html", "a.html")
	c.want(0)
	wantParts(t, c.stdout.String(), program+" (process "+pid+")", "Go heap: ", "how that is known", "main stack")
	for _, name := range []string{"a.csv", "a.svg", "a.html"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(text), "process "+pid) {
			t.Errorf("%s: %v, or the process is not in it", name, err)
		}
	}
}

// TestPIDOfItself: a shell gives its number to the command, which it becomes.
func TestPIDOfItself(t *testing.T) {
	c := vsz(t, "/")
	c.Path, c.Args = "/bin/sh", []string{"sh", "-c", `exec "$0" vsz --pid $$`, cmem}
	c.want(0)
	wantParts(t, c.stdout.String(), cmem+" (process ", "Go page summaries")
}

func TestPIDOfNobody(t *testing.T) {
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(ended.Process.Pid)
	vsz(t, "/", "--pid", pid).want(2, "there is no process "+pid)
	vsz(t, "/", "--pid", "2000000000").want(2, "there is no process 2000000000")

	zombie := exec.Command("true")
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	defer zombie.Wait()
	for end := time.Now().Add(10 * time.Second); state(t, zombie.Process.Pid) != "Z"; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("true does not end")
		}
	}
	vsz(t, "/", "--pid", strconv.Itoa(zombie.Process.Pid)).want(2, "it has ended")
}

// state is the letter that the kernel has for a process's state.
func state(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[:1]
}
