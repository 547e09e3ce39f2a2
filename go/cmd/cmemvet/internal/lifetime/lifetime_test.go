package lifetime

import (
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"
)

// TestReports compares what is reported with the comments that want it: one package for each kind,
// two for facts, and two of what must not be reported.
func TestReports(t *testing.T) {
	for _, pkg := range []string{
		"leak", "use", "twice", "place", "handles", "pool", "lib", "facts", "silent", "silentpool",
	} {
		t.Run(pkg, func(t *testing.T) {
			analysistest.Run(wanted{t}, analysistest.TestData(), Analyzer, pkg)
		})
	}
}

// wanted does not mind facts that no comment asks for.
type wanted struct{ *testing.T }

func (w wanted) Errorf(format string, args ...any) {
	if !strings.Contains(format, "unexpected") || args[1] != "fact" {
		w.T.Errorf(format, args...)
	}
}
