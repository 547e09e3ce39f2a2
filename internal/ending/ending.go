// Package ending is how the commands of this repository end by a signal: each removes what it made
// for a while, ends what it started, and has the exit status that a shell gives such a command.
//
// A command whose standard output is read no more (`| head`) needs nothing of this: its next write
// there ends it, by SIGPIPE, as Go does by itself. What it started ends with it where Bind was
// told. A write to a pipe by another name, such as /dev/stdout, is but an error (EPIPE), for which
// Status has the same exit status.
package ending

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// A Signal is the cause of a context that a signal ended.
type Signal syscall.Signal

func (s Signal) Error() string { return fmt.Sprintf("ended by a signal: %v", syscall.Signal(s)) }

// Context returns a context that the first SIGINT, SIGTERM or SIGHUP cancels, with a Signal as its
// cause. The second one then ends the program at once. One that is ignored when the program starts,
// as nohup has SIGHUP, stays so.
func Context() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(Signal(s.(syscall.Signal)))
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// Cause is err, or what ended ctx where that was a signal, for then err is but its effect.
func Cause(ctx context.Context, err error) error {
	var s Signal
	if errors.As(context.Cause(ctx), &s) {
		return s
	}
	return err
}

// Status returns the exit status for an error: 128 and the number of the signal that it is the effect of; else failed.
func Status(err error, failed int) int {
	var s Signal
	switch {
	case errors.As(err, &s):
		return 128 + int(s)
	case errors.Is(err, syscall.EPIPE):
		return 128 + int(syscall.SIGPIPE)
	}
	return failed
}

// Bind has the kernel kill a command, which is not started yet, when this program dies in whichever
// way: by SIGKILL or SIGPIPE, too. Strictly, that is when the thread ends that starts it; Go keeps
// its threads, but for those of a goroutine that is locked to one. It is for Linux; elsewhere it
// does nothing.
func Bind(cmd *exec.Cmd) { bind(cmd) }
