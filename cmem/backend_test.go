package cmem

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// TestBackend: what the files of every build use of those of some builds is in backend.go, and
// nothing else is there.
func TestBackend(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	listed, some := map[string]bool{}, map[string]bool{}
	used := map[string][]string{} // by which files of every build
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case constrained(f):
			for declared := range f.Scope.Objects {
				some[declared] = true
			}
		case name == "backend.go":
			for _, id := range f.Unresolved {
				listed[id.Name] = true
			}
		default:
			for _, id := range f.Unresolved { // in this file
				used[id.Name] = append(used[id.Name], name)
			}
		}
	}
	for name, files := range used {
		if some[name] && !listed[name] {
			t.Errorf("%v use %s, which not every build has and backend.go does not list", files, name)
		}
	}
	for name := range listed {
		if some[name] && used[name] == nil {
			t.Errorf("backend.go lists %s, which no file of every build uses", name)
		}
	}
}

// constrained tells whether f says by //go:build which builds it is part of.
func constrained(f *ast.File) bool {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if c.Pos() < f.Package && constraint.IsGoBuild(c.Text) {
				return true
			}
		}
	}
	return false
}
