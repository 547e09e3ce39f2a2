package lifetime

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// directive begins a comment that has reports left out, and says why: those for its own line and
// the next. Above a function it is for the whole function, above the package clause for the whole
// file.
const directive = "//cmemvet:ignore"

// A span is a part of a file whose reports are left out: lines, both included.
type span struct {
	file        string
	first, last int
}

// ignored are the parts of a file whose reports are left out: all of a generated one. A directive
// that does not say why is reported.
func ignored(pass *analysis.Pass, file *ast.File) (spans []span) {
	line := func(pos token.Pos) int { return pass.Fset.Position(pos).Line }
	name := pass.Fset.Position(file.Package).Filename
	if ast.IsGenerated(file) { // it is its generator that would have to be mended
		return []span{{name, 1, line(file.FileEnd)}}
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			reason, ok := strings.CutPrefix(c.Text, directive)
			if !ok {
				continue
			}
			if strings.TrimSpace(reason) == "" {
				pass.Reportf(c.Pos(), "%s is to say why: %s REASON", directive, directive)
				continue
			}
			s := span{name, line(c.Pos()), line(c.Pos()) + 1}
			if group.End() < file.Package {
				s.last = line(file.FileEnd)
			}
			for _, decl := range file.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Doc == group {
					s.last = line(fn.End())
				}
			}
			spans = append(spans, s)
		}
	}
	return spans
}

func (s span) covers(p token.Position) bool {
	return p.Filename == s.file && s.first <= p.Line && p.Line <= s.last
}
