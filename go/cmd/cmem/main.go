// Command cmem is the tool beside package cmem.
//
//	cmem classes   the size-class table
//	cmem version   the versions of cmem, libcmem and Go, and which fast path this build has
//	cmem vsz       what cgo costs a program in virtual memory, and why
//
// Its exit status is 0, or 1 where a comparison that was asked for found growth, or 2 for any error, or 128 and the
// number of the signal that ended it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/gocmem/cmem/internal/ending"
)

func main() {
	ctx, stop := ending.Context()
	err := rootCommand().ExecuteContext(ctx)
	stop()
	os.Exit(report(os.Stderr, err))
}

// A statusError is an error with an exit status of its own.
type statusError struct {
	error
	status int
}

// report prints an error and returns the exit status for it.
func report(out io.Writer, err error) int {
	var signal ending.Signal
	var status statusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &signal):
		err = signal
	}
	fmt.Fprintln(out, "cmem:", err)
	if errors.As(err, &status) {
		return status.status
	}
	return ending.Status(err, 2)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "cmem",
		Short:         "Tools for the cmem allocator",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetContext(context.Background())
	root.AddCommand(classesCommand(), versionCommand(), vszCommand())
	return root
}
