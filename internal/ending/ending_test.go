//go:build unix

package ending

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asProgram makes this test binary a program that behaves as its value says.
const asProgram = "CMEM_ENDING_TEST"

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "":
		os.Exit(m.Run())
	case "waits": // for a signal, and cleans up
		ctx, stop := Context()
		defer stop()
		fmt.Println("ready")
		<-ctx.Done()
		fmt.Println("cleaned up")
		os.Exit(Status(Cause(ctx, errors.New("its effect")), 1))
	case "hangs": // when it cleans up
		ctx, _ := Context()
		fmt.Println("ready")
		<-ctx.Done()
		fmt.Println("first")
		time.Sleep(time.Hour)
	case "starts": // another program, and waits
		cmd := exec.Command("sleep", "1000")
		Bind(cmd)
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		fmt.Println("ready", cmd.Process.Pid)
		time.Sleep(time.Hour)
	case "prints":
		for {
			fmt.Println("ready")
		}
	}
}

// output is a program's.
type output struct {
	*bufio.Reader
	io.Closer
}

// program starts this test binary and waits for its first line.
func program(t *testing.T, what string) (cmd *exec.Cmd, out *output, line string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(self)
	cmd.Env = append(os.Environ(), asProgram+"="+what)
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	out = &output{bufio.NewReader(pipe), pipe}
	if line, err = out.ReadString('\n'); err != nil || !strings.HasPrefix(line, "ready") {
		t.Fatalf("it printed %q (%v), want ready", line, err)
	}
	return cmd, out, strings.TrimSpace(line)
}

func TestSignals(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		cmd, out, _ := program(t, "waits")
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(out)
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 128+int(s) || string(rest) != "cleaned up\n" {
			t.Errorf("%v: %v, it printed %q; want exit status %d, and that it cleaned up", s, err, rest, 128+int(s))
		}
	}
}

// TestSecondSignal ends what does not end by the first.
func TestSecondSignal(t *testing.T) {
	cmd, out, _ := program(t, "hangs")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if line, err := out.ReadString('\n'); err != nil || line != "first\n" {
		t.Fatalf("it printed %q (%v), want first", line, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if got := cmd.ProcessState.Sys().(syscall.WaitStatus); got.Signal() != syscall.SIGTERM {
		t.Errorf("%v, want its end by SIGTERM", err)
	}
}

// TestPipe: what nobody reads any more ends the program.
func TestPipe(t *testing.T) {
	cmd, out, _ := program(t, "prints")
	out.Close()
	err := cmd.Wait()
	if got := cmd.ProcessState.Sys().(syscall.WaitStatus); got.Signal() != syscall.SIGPIPE {
		t.Errorf("%v, want its end by SIGPIPE", err)
	}
}

// TestBind: what a killed program started ends too.
func TestBind(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("Bind is for Linux")
	}
	cmd, _, line := program(t, "starts")
	pid, err := strconv.Atoi(strings.TrimPrefix(line, "ready "))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	for deadline := time.Now().Add(30 * time.Second); runs(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("what the program has started still runs")
		}
	}
}

// runs tells whether the process is there and no zombie.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestStatus(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{fmt.Errorf("building: %w", Signal(syscall.SIGTERM)), 143},
		{errors.Join(Signal(syscall.SIGINT), errors.New("also")), 130},
		{&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, 141},
		{errors.New("anything else"), 7},
	} {
		if got := Status(tt.err, 7); got != tt.want {
			t.Errorf("Status(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}
