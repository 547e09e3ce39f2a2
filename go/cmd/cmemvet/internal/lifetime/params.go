package lifetime

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// An amount tells on how many of a function's paths something is done.
type amount uint8

const (
	never amount = iota
	sometimes
	always
)

// A summary is the fact about a function: what it does to its parameters and what it returns.
type summary struct {
	Params  []param // the receiver first
	Results []result
}

type param struct {
	Frees   amount
	By      string // "Free" or "Put"
	Borrows bool   // its bytes are not kept
	Fields  []field
}

// A field is one of a parameter's that is freed, on all paths.
type field struct{ Path string }

type result struct {
	Owned bool // it is the caller's to free
	Kind  kind
	Alias int // the parameter that it is, or is a part of, from 1; 0: none
	Place place
}

func (*summary) AFact() {}

func (s *summary) String() string {
	var parts []string
	for i, p := range s.Params {
		if p.Frees != never {
			parts = append(parts, fmt.Sprintf("frees %d%s", i, map[amount]string{sometimes: " sometimes"}[p.Frees]))
		}
		for _, field := range p.Fields {
			parts = append(parts, fmt.Sprintf("frees %d%s", i, field.Path))
		}
		if p.Borrows {
			parts = append(parts, fmt.Sprintf("borrows %d", i))
		}
	}
	for i, r := range s.Results {
		if r.Owned {
			parts = append(parts, fmt.Sprintf("result %d is the caller's", i))
		}
		if r.Alias > 0 {
			parts = append(parts, fmt.Sprintf("result %d is of parameter %d", i, r.Alias-1))
		}
	}
	return strings.Join(parts, ", ")
}

// interesting tells whether callers of the function are to be followed.
func (s *summary) interesting() bool {
	for _, p := range s.Params {
		if p.Frees != never || len(p.Fields) > 0 {
			return true
		}
	}
	for _, r := range s.Results {
		if r.Owned {
			return true
		}
	}
	return false
}

// paramsOf are a function's parameters, the receiver first.
func paramsOf(sig *types.Signature) (vars []*types.Var) {
	if r := sig.Recv(); r != nil {
		vars = append(vars, r)
	}
	for i := range sig.Params().Len() {
		vars = append(vars, sig.Params().At(i))
	}
	return vars
}

// mayBeBytes tells whether a value of the type may be a buffer, or point into one.
func mayBeBytes(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Slice:
		_, basic := t.Elem().Underlying().(*types.Basic)
		return basic || holdsNoPointers(t.Elem())
	case *types.Pointer:
		e, ok := t.Elem().Underlying().(*types.Basic)
		return ok && e.Kind() == types.Byte
	case *types.Basic:
		return t.Kind() == types.UnsafePointer
	}
	return false
}

// holdsNoPointers tells whether the elements of a slice are such that a copy of one refers to
// nothing.
func holdsNoPointers(t types.Type) bool {
	if _, ok := t.(*types.TypeParam); ok {
		return true
	}
	switch t := t.Underlying().(type) {
	case *types.Basic:
		return t.Kind() != types.UnsafePointer
	case *types.Array:
		return holdsNoPointers(t.Elem())
	case *types.Struct:
		for i := range t.NumFields() {
			if !holdsNoPointers(t.Field(i).Type()) {
				return false
			}
		}
		return true
	}
	return false
}

// summarizeParams finds out which functions keep their parameters' bytes and which return them: for
// all functions of the package at once, as they call each other. It goes by each use of the
// parameter and of its copies, whatever the order.
func (c *checker) summarizeParams() {
	var todo []*function
	for _, fn := range c.functions {
		s := &summary{Params: make([]param, len(fn.params)), Results: make([]result, fn.sig.Results().Len())}
		c.summaries[fn.obj] = s
		some := false
		for i, p := range fn.params {
			if mayBeBytes(p.Type()) {
				s.Params[i].Borrows = true
				some = true
			}
		}
		if some && fn.decl.Body != nil {
			todo = append(todo, fn)
		}
	}
	for changed := true; changed; {
		changed = false
		for _, fn := range todo {
			changed = c.followParams(fn) || changed
		}
	}
}

// followParams looks at each use of a function's parameters. It tells whether that changed the
// summary.
func (c *checker) followParams(fn *function) bool {
	s := c.summaries[fn.obj]
	before := summary{slices.Clone(s.Params), slices.Clone(s.Results)}
	aliases := map[types.Object]alias{}
	for i, p := range fn.params {
		if s.Params[i].Borrows {
			aliases[p] = alias{i, start}
		}
	}
	for {
		known := len(aliases)
		var stack []ast.Node
		ast.Inspect(fn.decl.Body, func(n ast.Node) bool {
			if n == nil {
				stack = stack[:len(stack)-1]
				return true
			}
			stack = append(stack, n)
			if ident, ok := n.(*ast.Ident); ok {
				if a, ok := aliases[c.info.Uses[ident]]; ok && c.keepsAt(fn, stack, a, aliases) {
					s.Params[a.param].Borrows = false
				}
			}
			return true
		})
		if len(aliases) == known {
			break
		}
	}
	return !slices.Equal(s.Results, before.Results) ||
		!slices.EqualFunc(s.Params, before.Params, func(a, b param) bool { return a.Borrows == b.Borrows })
}

// An alias is a variable that has a parameter's bytes.
type alias struct {
	param int
	place place
}

// keepsAt follows a value outwards through the expression that it is in. It tells whether the value
// may be kept there.
func (c *checker) keepsAt(fn *function, stack []ast.Node, a alias, aliases map[types.Object]alias) bool {
	s := c.summaries[fn.obj]
	if c.inForeignLiteral(stack) {
		return true
	}
	for i := len(stack) - 1; i > 0; i-- {
		child := stack[i]
		switch n := stack[i-1].(type) {
		case *ast.ParenExpr, *ast.TypeAssertExpr:
		case *ast.SliceExpr:
			if n.X != child {
				return false
			}
			if n.Low != nil && a.place == start {
				a.place = inside
			}
		case *ast.IndexExpr:
			if n.X != child {
				return false
			}
			if i > 1 {
				if u, ok := stack[i-2].(*ast.UnaryExpr); ok && u.Op == token.AND {
					a.place = inside
					continue
				}
			}
			return false
		case *ast.UnaryExpr:
			if n.Op == token.AND && child == stack[len(stack)-1] {
				return true // the address of the variable
			}
		case *ast.StarExpr:
			return false
		case *ast.CallExpr:
			if n.Fun == child {
				return false
			}
			if tv := c.info.Types[n.Fun]; tv.IsType() {
				if b, ok := tv.Type.Underlying().(*types.Basic); ok && b.Kind() != types.UnsafePointer {
					return false // string(b), uintptr(p)
				}
				continue
			}
			switch name := c.builtin(n); name {
			case "append":
				if n.Args[0] != child {
					return !n.Ellipsis.IsValid()
				}
				a.place = moved
				continue
			case "Slice", "SliceData", "Add", "String", "StringData":
				if name == "Add" {
					a.place = inside
				}
				continue
			case "":
			default:
				return false
			}
			if i > 1 {
				if _, ok := stack[i-2].(*ast.GoStmt); ok {
					return true
				}
			}
			goesOn, keeps := c.passesOn(n, child.(ast.Expr), &a)
			if !goesOn {
				return keeps
			}
		case *ast.SelectorExpr: // a method's receiver, or a method value
			if i > 1 {
				if call, ok := stack[i-2].(*ast.CallExpr); ok && call.Fun == n {
					goesOn, keeps := c.passesOn(call, n.X, &a)
					if !goesOn {
						return keeps
					}
					i--
					continue
				}
			}
			return true
		case *ast.AssignStmt:
			for j, rhs := range n.Rhs {
				if rhs != child {
					continue
				}
				return !c.copies(fn, n.Lhs[min(j, len(n.Lhs)-1)], a, aliases)
			}
			return false
		case *ast.ValueSpec:
			for j, v := range n.Values {
				if v == child {
					return !c.copies(fn, n.Names[min(j, len(n.Names)-1)], a, aliases)
				}
			}
			return false
		case *ast.ReturnStmt:
			if slices.ContainsFunc(stack, func(n ast.Node) bool { _, ok := n.(*ast.FuncLit); return ok }) {
				return true
			}
			for j, r := range n.Results {
				if r == child && j < len(s.Results) {
					s.Results[j] = result{Alias: a.param + 1, Place: max(a.place, s.Results[j].Place)}
				}
			}
			return false
		case *ast.BinaryExpr, *ast.RangeStmt, *ast.ExprStmt, *ast.IncDecStmt, *ast.SwitchStmt,
			*ast.CaseClause, *ast.DeferStmt, *ast.IfStmt, *ast.ForStmt, *ast.BlockStmt:
			return false
		default:
			return true
		}
	}
	return false
}

// inForeignLiteral tells whether the innermost node is in a function literal that is not called
// where it stands.
func (c *checker) inForeignLiteral(stack []ast.Node) bool {
	for i, n := range stack {
		if lit, ok := n.(*ast.FuncLit); ok {
			call, ok := stack[i-1].(*ast.CallExpr)
			if !ok || call.Fun != lit {
				return true
			}
			if _, ok := stack[i-2].(*ast.GoStmt); ok {
				return true
			}
		}
	}
	return false
}

// copies makes a variable that a value is assigned to one more alias. It returns false where that
// is no local variable.
func (c *checker) copies(fn *function, lhs ast.Expr, a alias, aliases map[types.Object]alias) bool {
	ident, ok := ast.Unparen(lhs).(*ast.Ident)
	if !ok {
		return false
	}
	obj := c.info.ObjectOf(ident)
	if ident.Name == "_" {
		return true
	}
	if obj == nil || obj.Pos() < fn.decl.Pos() || fn.decl.End() < obj.Pos() {
		return false
	}
	if results := fn.sig.Results(); results != nil {
		for j := range results.Len() {
			if results.At(j) == obj {
				c.summaries[fn.obj].Results[j] = result{Alias: a.param + 1, Place: a.place}
			}
		}
	}
	if _, ok := aliases[obj]; !ok {
		aliases[obj] = a
	}
	return true
}

// passesOn tells what becomes of a value that is an argument of a call, or its receiver: it may be
// the call's result, or be kept.
func (c *checker) passesOn(call *ast.CallExpr, arg ast.Expr, a *alias) (goesOn, keeps bool) {
	fn := c.callee(call)
	if fn == nil {
		return false, true
	}
	switch c.roleOf(fn) {
	case unknownRole:
	case attaches, putsToPool, wraps:
		return false, true
	default:
		return false, false
	}
	if appends(fn) && len(call.Args) > 0 && call.Args[0] == arg {
		a.place = moved
		return true, false
	}
	s := c.summaryOf(fn)
	if s == nil {
		return false, true
	}
	for i, operand := range c.operands(call) {
		if operand != arg || i >= len(s.Params) {
			continue
		}
		for _, r := range s.Results {
			if r.Alias == i+1 {
				a.place = max(a.place, r.Place)
				return s.Params[i].Borrows, true
			}
		}
		return false, !s.Params[i].Borrows && s.Params[i].Frees == never
	}
	return false, true
}
