//go:build !race && !asan && !goexperiment.cgocheck2

package module

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A listed package is what go list tells of it.
type listed struct {
	ImportPath                        string
	GoFiles, CgoFiles, CFiles, SFiles []string
	Error                             *struct{ Err string }
	DepsErrors                        []struct{ Err string }
}

// list lists packages of the module as a system has them. No compiler is needed for it.
func list(t *testing.T, system, cgo string, packages ...string) []listed {
	t.Helper()
	goos, goarch, _ := strings.Cut(system, "/")
	cmd := exec.Command("go", append([]string{"list", "-e",
		"-json=ImportPath,GoFiles,CgoFiles,CFiles,SFiles,Error,DepsErrors"}, packages...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED="+cgo, "GOFLAGS=")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// TestFilesOfSystems wants the C files of each package to be left out exactly where its Go files
// with C are: the go command refuses the ones without the others.
func TestFilesOfSystems(t *testing.T) {
	libcmem := []string{"linux/amd64", "linux/arm64", "linux/riscv64"}
	others := []string{
		"linux/386", "linux/arm", "linux/ppc64le", "linux/s390x", "linux/loong64", "linux/mips64le", "linux/mipsle",
		"darwin/arm64", "windows/amd64", "freebsd/amd64", "wasip1/wasm", "js/wasm",
	}
	for _, system := range slices.Concat(libcmem, others) {
		for _, cgo := range []string{"0", "1"} {
			t.Run(fmt.Sprintf("%s/cgo=%s", system, cgo), func(t *testing.T) {
				t.Parallel()
				withC := cgo == "1" && slices.Contains(libcmem, system)
				for _, p := range list(t, system, cgo, "./c", "./cmem/...") {
					checkFiles(t, p, withC)
				}
			})
		}
	}
}

func checkFiles(t *testing.T, p listed, withC bool) {
	t.Helper()
	if p.Error != nil {
		t.Error(p.Error.Err)
	}
	for _, e := range p.DepsErrors {
		t.Error(e.Err)
	}
	// which has its C from libc
	if len(p.CFiles) > 0 != (len(p.CgoFiles) > 0) && !strings.HasSuffix(p.ImportPath, "/raw") {
		t.Errorf("%s: C files %v beside Go files with C %v", p.ImportPath, p.CFiles, p.CgoFiles)
	}
	if strings.HasSuffix(p.ImportPath, "/cmem/c") && (len(p.CFiles) > 0) != withC {
		t.Errorf("package c has the C files %v, want some: %v", p.CFiles, withC)
	}
}

// TestFilesOfFastPath: which file has alloc and free.
func TestFilesOfFastPath(t *testing.T) {
	for _, want := range []struct{ system, cgo, file string }{
		{"linux/amd64", "1", "fast_amd64.s"},
		{"linux/amd64", "0", "heap_go.go"},
		{"linux/arm64", "1", "fast_other.go"},
		{"linux/riscv64", "1", "fast_other.go"},
		{"linux/386", "1", "heap_go.go"},
		{"windows/amd64", "1", "heap_go.go"},
	} {
		p := list(t, want.system, want.cgo, "./cmem")[0]
		var found []string
		for _, name := range slices.Concat(p.GoFiles, p.SFiles) {
			if slices.Contains([]string{"fast_amd64.s", "fast_other.go", "heap_go.go"}, name) {
				found = append(found, name)
			}
		}
		if !slices.Equal(found, []string{want.file}) {
			t.Errorf("%s, CGO_ENABLED=%s: alloc and free are those of %v, want %s", want.system, want.cgo, found, want.file)
		}
	}
}
