package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestUpToDate holds the generated files against the template.
func TestUpToDate(t *testing.T) {
	for _, f := range files {
		want, err := f.source()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the template makes: run go generate in bench/peers", f.Name)
		}
	}
}
