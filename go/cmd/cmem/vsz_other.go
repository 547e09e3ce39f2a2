//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func vszCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "vsz",
		Short:              "What cgo costs in virtual memory (Linux only)",
		DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("vsz reads /proc: it works on Linux only")
		},
	}
}
