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
	root := &cobra.Command{
		Use:           "cmem",
		Short:         "Tools for the cmem allocator",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(classesCommand())
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "cmem:", err)
		os.Exit(2)
	}
}
