//go:build linux

package main

import (
	"os"
	"strings"
	"testing"
)

const page = "head\n<!-- vsz:ex1 begin -->\nold\n<!-- vsz:ex1 end -->\nmiddle\n<!-- vsz:ex2 begin -->\n<!-- vsz:ex2 " +
	"end -->\n"

func TestReplace(t *testing.T) {
	got, err := replace(page, "ex1", "new\n")
	if want := strings.Replace(page, "old", "new", 1); err != nil || got != want {
		t.Errorf("%v\n%s\nexpected\n%s", err, got, want)
	}
	if again, err := replace(got, "ex1", "new\n"); err != nil || again != got {
		t.Errorf("replaced again it is (%v)\n%s", err, again)
	}
	for _, bad := range []string{"", "<!-- vsz:ex1 begin -->\n", "<!-- vsz:ex1 end -->\n<!-- vsz:ex1 begin -->\n"} {
		if _, err := replace(bad, "ex1", ""); err == nil || !strings.Contains(err.Error(), "<!-- vsz:ex1 begin -->") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

func TestChoose(t *testing.T) {
	for only, want := range map[string]string{"": "ex1 ex2", "ex2": "ex2", "ex6,ex1": "ex1 ex6"} {
		chosen, err := choose(only, page)
		var names []string
		for _, s := range chosen {
			names = append(names, s.name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("-only %q chooses %q (%v), expected %q", only, got, err, want)
		}
	}
	if _, err := choose("nosuch", page); err == nil || !strings.Contains(err.Error(), "nosuch") {
		t.Errorf("-only nosuch: error %v", err)
	}
	if _, err := choose("", page+"<!-- vsz:nosuch begin -->\n"); err == nil || !strings.Contains(err.Error(), `"nosuch"`) {
		t.Errorf("a mark that is not known: error %v", err)
	}
}

// TestPage wants the page to have marks in pairs, for what is filled here alone.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../../../../docs/vsz.md")
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := choose("", string(text))
	if err != nil || len(chosen) == 0 {
		t.Fatalf("%d sections: %v", len(chosen), err)
	}
	for _, s := range chosen {
		if _, err := replace(string(text), s.name, ""); err != nil {
			t.Error(err)
		}
	}
}

func TestShellWords(t *testing.T) {
	if got := shellWords([]string{"--ready", `at (\S+)`, "--request", "$1/",
		"./x"}); got != `--ready 'at (\S+)' --request '$1/' ./x` {
		t.Error(got)
	}
}
