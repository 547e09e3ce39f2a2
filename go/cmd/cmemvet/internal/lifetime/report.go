package lifetime

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"

	"golang.org/x/tools/go/analysis"
)

// Kinds of reports, as in Diagnostic.Category.
const (
	leaked     = "leak"
	usedAfter  = "use-after-free"
	freedTwice = "double-free"
	resliced   = "resliced"
	appended   = "append"
	boundEarly = "early-defer"
	outlives   = "handle"
	afterPut   = "use-after-put"
)

func (f *flow) report(pos token.Pos, category, format string, args ...any) {
	for _, d := range f.diags {
		if d.Pos == pos && d.Category == category {
			return
		}
	}
	f.diags = append(f.diags, analysis.Diagnostic{Pos: pos, Category: category, Message: fmt.Sprintf(format, args...)})
}

// line says where something is, as seen from a report at another place.
func (f *flow) line(pos, from token.Pos) string {
	p, q := f.pass.Fset.Position(pos), f.pass.Fset.Position(from)
	if p.Filename != q.Filename {
		return fmt.Sprintf("%s:%d", filepath.Base(p.Filename), p.Line)
	}
	return fmt.Sprintf("line %d", p.Line)
}

// nameOf is what to call an expression in a report.
func (f *flow) nameOf(e ast.Expr, r *resource) string {
	if e != nil {
		if text := types.ExprString(e); len(text) <= 30 {
			return text
		}
	}
	if r != nil && r.name != "" {
		return r.name
	}
	return "the buffer"
}

// reportUse reports that something is used that was freed.
func (f *flow) reportUse(e ast.Expr, r *resource, what string) {
	category := usedAfter
	if r.freedBy == "Put" || r.kind == pooled {
		category = afterPut
	}
	f.report(e.Pos(), category, "%s is %s after the %s at %s", f.nameOf(e, r), what, r.freedBy,
		f.line(r.freedAt, e.Pos()))
}

// reportReturned reports that result i is, or has, what a deferred call frees.
func (f *flow) reportReturned(ret *ast.ReturnStmt, i int, r *resource) {
	var what ast.Expr
	at := ret.Pos()
	if i < len(ret.Results) {
		what = ret.Results[i]
		at = what.Pos()
	}
	category := usedAfter
	if r.freedBy == "Put" {
		category = afterPut
	}
	f.report(at, category, "%s is returned, and the deferred %s at %s gives it back", f.nameOf(what, r), r.freedBy,
		f.line(r.freedAt, at))
}

func (f *flow) reportTwice(e ast.Expr, r *resource, by string) {
	category, done := freedTwice, "freed"
	if by == "Put" || r.freedBy == "Put" {
		done = "put"
	}
	if r.status != freed {
		f.report(e.Pos(), category, "%s is %s twice: the defer at %s does it too", f.nameOf(e, r), done,
			f.line(r.bound, e.Pos()))
		return
	}
	f.report(e.Pos(), category, "%s is %s twice: the first %s is at %s", f.nameOf(e, r), done, r.freedBy,
		f.line(r.freedAt, e.Pos()))
}

// A leak is a path on which a buffer is not freed.
type leak struct {
	name    string
	end     token.Pos // where the path ends, or the last variable that had the buffer gets another value
	lost    bool      // the latter
	dropped bool      // nobody ever had it
	keepers []keeper
}

// reportLeaks reports one path for each buffer that is not freed, if it is certain that nobody else
// frees it: for a call that may have kept the buffer another path vouches, on which the buffer was
// freed after the same call.
func (f *flow) reportLeaks() {
	for pos, paths := range f.leaks {
		paths = slices.DeleteFunc(paths, func(l leak) bool {
			return slices.ContainsFunc(l.keepers, func(k keeper) bool { return !f.vouched[pos][k.call] })
		})
		if len(paths) == 0 {
			continue
		}
		l := slices.MinFunc(paths, func(a, b leak) int { return int(a.end - b.end) })
		name := l.name
		if name == "" {
			name = "the buffer"
		}
		early := ""
		if at, ok := f.early[l.name]; ok {
			early = fmt.Sprintf(" (the defer at %s came before it)", f.line(at, pos))
		}
		switch {
		case l.dropped:
			f.report(pos, leaked, "the result is dropped: nobody can free it")
		case l.lost:
			f.report(pos, leaked, "%s is not freed before the last slice of it is lost at %s%s", name,
				f.line(l.end, pos), early)
		default:
			f.report(pos, leaked, "%s is not freed on a path that ends at %s%s", name, f.line(l.end, pos), early)
		}
	}
}

func (f *flow) addLeak(i id, r *resource, l leak) {
	l.name, l.keepers = r.name, r.keepers
	f.leaks[i.pos] = append(f.leaks[i.pos], l)
}
