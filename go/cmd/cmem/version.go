package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gocmem/cmem/cmem"
)

// versions is what a report of a fault begins with.
type versions struct {
	Cmem     string `json:"cmem"`      // of the module that package cmem is from
	Libcmem  string `json:"libcmem"`   // of the C library; "none" in a build over Go memory
	Go       string `json:"go"`        // release and platform
	FastPath string `json:"fast_path"` // cmem.Stats.FastPath
}

func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of cmem, libcmem and Go, and which fast path this build has",
		Long: `Print the versions of cmem, libcmem and Go, and which fast path this build has:

  asm      in assembly: on amd64, with a Go release that it is written for
  pinned   the same in Go, which takes longer
  go       over Go memory, without libcmem: without cgo, under the race detector, elsewhere than on Linux

It is this command's. Of another program cmem.ReadStats tells it, in Stats.FastPath.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := readVersions()
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(v)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			fmt.Fprintf(w, "cmem\t%s\nlibcmem\t%s\nGo\t%s\nfast path\t%s\n", v.Cmem, v.Libcmem, v.Go, v.FastPath)
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func readVersions() versions {
	var s cmem.Stats
	cmem.ReadStats(&s)
	return versions{
		Cmem:     moduleVersion("github.com/gocmem/cmem"),
		Libcmem:  libcmemVersion(),
		Go:       runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		FastPath: s.FastPath,
	}
}

// moduleVersion is the version of a module in this executable.
func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == path && m.Version != "" {
				return m.Version
			}
		}
	}
	return "(unknown)"
}
