package vsz

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

func gone(dir string) bool {
	_, err := os.Stat(dir)
	return errors.Is(err, fs.ErrNotExist)
}

func TestWorkspaceClose(t *testing.T) {
	w, err := NewWorkspace()
	if err != nil {
		t.Fatal(err)
	}
	p, cfg := shell(w, "echo ready; exec sleep 1000")
	proc, err := p.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	guard := w.guard.Process.Pid
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !gone(w.Dir()) {
		t.Errorf("%s is left", w.Dir())
	}
	eventually(t, "the program has ended", func() bool { return !alive(proc.PID()) })
	if alive(guard) {
		t.Error("the guard is left")
	}
	<-proc.Done()
	if _, err := p.Start(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("start in a closed workspace: error %v, expected one that says so", err)
	}
	if _, err := w.Build(context.Background(), ".", Variant{}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("build in a closed workspace: error %v, expected one that says so", err)
	}
}

func TestCancelKills(t *testing.T) {
	w := workspace(t)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	p, cfg := shell(w, "echo ready; exec sleep 1000")
	proc, err := p.Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	cancel(why)
	<-proc.Done()
	if alive(proc.PID()) {
		t.Error("it runs after the context has ended")
	}
	if _, err := p.Start(ctx, cfg); !errors.Is(err, why) {
		t.Errorf("start with an ended context: error %v, expected %v", err, why)
	}
	// While it gets ready.
	ctx, cancel = context.WithCancelCause(context.Background())
	p, cfg = shell(w, "exec sleep 1000")
	time.AfterFunc(50*time.Millisecond, func() { cancel(why) })
	if _, err := p.Start(ctx, cfg); !errors.Is(err, why) {
		t.Errorf("cancelled while starting: error %v, expected %v", err, why)
	}
}

// orphan starts a program with a child in a workspace, tells of them, and waits to be killed.
func orphan() {
	w, err := NewWorkspace()
	if err != nil {
		panic(err)
	}
	p, cfg := shell(w, "sleep 1000 & echo ready $!; sleep 1000")
	proc, err := p.Start(context.Background(), cfg)
	if err != nil {
		panic(err)
	}
	fmt.Println(w.Dir(), w.guard.Process.Pid, proc.PID(), strings.TrimPrefix(strings.TrimSpace(proc.Output()), "ready "))
	time.Sleep(time.Hour)
}

// Not even SIGKILL leaves anything behind.
func TestKilledProcessLeavesNothing(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helper+"=orphan")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(line)
	dir := fields[0]
	if gone(dir) {
		t.Fatalf("there is no %s", dir)
	}
	cmd.Process.Kill()
	for _, field := range fields[1:] {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		eventually(t, "process "+field+" has ended", func() bool { return !alive(pid) })
	}
	eventually(t, dir+" is removed", func() bool { return gone(dir) })
	cmd.Wait()
}
