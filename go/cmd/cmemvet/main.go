// Command cmemvet finds wrong uses of package cmem, and uses of an object after sync.Pool's Put,
// without running the program.
//
//	cmemvet ./...                                # the packages, as go vet takes them
//	go vet -vettool=$(which cmemvet) ./...       # the same
//
// docs/cmemvet.md has each report, its cure, and what cannot be known. The exit status is go vet's:
// 0 where there is nothing to report.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/gocmem/cmem/go/cmd/cmemvet/internal/lifetime"
)

func main() {
	if !forGo(os.Args[1:]) {
		os.Exit(vet(os.Args[1:]))
	}
	if err := redirect(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, "cmemvet:", err)
		os.Exit(1)
	}
	unitchecker.Main(lifetime.Analyzer)
}

// redirect has standard output go to the file that a configuration of go vet names, from Go 1.26
// on. The release of unitchecker that goes with Go 1.24 does not do so itself.
func redirect(config string) error {
	if !strings.HasSuffix(config, ".cfg") {
		return nil
	}
	text, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	var c struct{ Stdout string }
	if err := json.Unmarshal(text, &c); err != nil {
		return fmt.Errorf("%s is no configuration of go vet: %w", config, err)
	}
	if c.Stdout == "" {
		return nil
	}
	os.Stdout, err = os.Create(c.Stdout)
	return err
}

// forGo tells whether go vet has started the command: for one package, or to ask what it is.
func forGo(args []string) bool {
	for _, arg := range args {
		if strings.HasSuffix(arg, ".cfg") || arg == "-flags" || strings.HasPrefix(arg, "-V") || arg == "help" {
			return true
		}
	}
	return false
}

// vet has go vet run this command on packages, and returns the exit status.
func vet(args []string) int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cmemvet: cannot find its own executable, which go vet is to run:", err)
		return 2
	}
	cmd := exec.Command("go", append([]string{"vet", "-vettool=" + self}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "cmemvet: go vet:", err)
	return 2
}
