// Command cmem is the tool beside package cmem.
//
//	cmem classes   the size-class table
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	if err := rootCommand().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "cmem:", err)
		os.Exit(2)
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "cmem",
		Short:         "Tools for the cmem allocator",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(classesCommand())
	return root
}
