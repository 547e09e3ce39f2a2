package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gocmem/cmem/cmem"
)

func classesCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "classes",
		Short: "Print the size-class table",
		Long: `Print the size-class table, laid out as the Go runtime prints its own (sizeclasses.go):

  class         number of the class, from 1
  bytes/block   size of its blocks
  bytes/span    size of the run of pages that its blocks are cut from
  blocks        blocks a span
  tail waste    bytes of a span that belong to no block
  max waste     the largest share of a span that is wasted: the tail, and all blocks filled with the smallest
                request that the class serves`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(cmem.SizeClasses())
			}
			return printClasses(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printClasses(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "class\tbytes/block\tbytes/span\tblocks\ttail waste\tmax waste\t")
	for i, sc := range cmem.SizeClasses() {
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%.2f%%\t\n", i+1, sc.Size, sc.SpanBytes, sc.Blocks, sc.TailWaste(),
			100*sc.MaxWaste())
	}
	return w.Flush()
}
