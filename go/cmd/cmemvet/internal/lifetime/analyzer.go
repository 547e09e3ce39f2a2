// Package lifetime is the analyzer behind cmemvet. It follows what package cmem allocates, and what
// goes to sync.Pool's Put, through each function.
//
// For each function that has to do with either it goes along all paths of the control-flow graph
// with what is known: which variable has which resource, what has become of it, and which
// conditions hold (state.go). Paths on which the same is known of all resources are one. Conditions
// that are known to hold, or not, rule paths out: `if ok { Free(b) }` is no leak where the buffer
// was allocated under the same condition.
//
// What a function does to its parameters and returns is a fact (params.go, analyzer.go), which the
// analysis of its callers uses, in other packages too. It is silent where it cannot know: a buffer
// that is stored, sent, captured by a function that runs elsewhere, or passed to a function that
// may keep it is not missed. Used after Free and freed twice need no such knowledge.
package lifetime

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/ctrlflow"
	"golang.org/x/tools/go/types/typeutil"
)

const doc = `find wrong uses of package cmem, and of sync.Pool after Put

The analyzer reports a buffer of package cmem that is not freed on some path, used after Free, freed twice, freed by a
slice that does not start where the buffer does or that append may have moved, a deferred Free that is bound before a
Realloc, bytes that are kept beyond the handle or arena that lent them, and an object that is used after sync.Pool's
Put.`

// Analyzer is the analyzer.
var Analyzer = &analysis.Analyzer{
	Name:      "cmemvet",
	Doc:       doc,
	Run:       run,
	Requires:  []*analysis.Analyzer{ctrlflow.Analyzer},
	FactTypes: []analysis.Fact{new(summary)},
}

// A function is one that is declared in the package.
type function struct {
	obj    *types.Func
	decl   *ast.FuncDecl
	sig    *types.Signature
	params []*types.Var

	callees []*types.Func
	diags   []analysis.Diagnostic
}

// A checker analyses a package.
type checker struct {
	pass      *analysis.Pass
	info      *types.Info
	cfgs      *ctrlflow.CFGs
	functions []*function
	summaries map[*types.Func]*summary
	roles     map[*types.Func]role
}

func run(pass *analysis.Pass) (any, error) {
	c := &checker{
		pass:      pass,
		info:      pass.TypesInfo,
		cfgs:      pass.ResultOf[ctrlflow.Analyzer].(*ctrlflow.CFGs),
		summaries: map[*types.Func]*summary{},
		roles:     map[*types.Func]role{},
	}
	for _, file := range pass.Files {
		for _, decl := range file.Decls {
			if decl, ok := decl.(*ast.FuncDecl); ok {
				if obj, ok := c.info.Defs[decl.Name].(*types.Func); ok {
					sig := obj.Signature()
					c.functions = append(c.functions, &function{obj: obj, decl: decl, sig: sig, params: paramsOf(sig)})
				}
			}
		}
	}
	c.summarizeParams()
	c.analyzeAll()
	var spans []span
	for _, file := range pass.Files {
		spans = append(spans, ignored(pass, file)...)
	}
	for _, fn := range c.functions {
		if s := c.summaries[fn.obj]; s.String() != "" {
			pass.ExportObjectFact(fn.obj, s)
		}
		for _, d := range fn.diags {
			at := pass.Fset.Position(d.Pos)
			if !isCmem(pass.Pkg) && !slices.ContainsFunc(spans, func(s span) bool { return s.covers(at) }) {
				pass.Report(d)
			}
		}
	}
	return nil, nil
}

// isCmem tells whether a package is cmem, or its tests: the rules are for its users, and the tests
// break them on purpose.
func isCmem(pkg *types.Package) bool {
	path := strings.TrimSuffix(pkgPath(pkg), "_test")
	return path == cmemPath || strings.HasPrefix(path, cmemPath+"/")
}

// rounds is how often functions are analysed anew because what they call has turned out to free or
// to allocate: a chain of so many calls is followed.
const rounds = 6

func (c *checker) analyzeAll() {
	for _, fn := range c.functions {
		if fn.decl.Body == nil {
			continue
		}
		ast.Inspect(fn.decl.Body, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if callee := c.callee(call); callee != nil {
					fn.callees = append(fn.callees, callee.Origin())
				}
			}
			return true
		})
	}
	changed := map[*types.Func]bool{}
	for round := range rounds {
		next := map[*types.Func]bool{}
		for _, fn := range c.functions {
			if round == 0 && !c.concerns(fn) || round > 0 && !callsAny(fn, changed) {
				continue
			}
			before := c.summaries[fn.obj].String()
			c.analyze(fn)
			if c.summaries[fn.obj].String() != before {
				next[fn.obj] = true
			}
		}
		if changed = next; len(changed) == 0 {
			break
		}
	}
}

// concerns tells whether a function calls one that allocates, frees or lends.
func (c *checker) concerns(fn *function) bool {
	return slices.ContainsFunc(fn.callees, c.isConcern)
}

// hasConcern tells whether there is a call of such a function in a body.
func (c *checker) hasConcern(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && !found {
			if fn := c.callee(call); fn != nil {
				found = c.isConcern(fn)
			}
		}
		return !found
	})
	return found
}

func (c *checker) isConcern(fn *types.Func) bool {
	if r := c.roleOf(fn); r != unknownRole && r != borrows && r != readsBuffer && r != wraps && r != changesNothing {
		return true
	}
	s := c.summaryOf(fn)
	return s != nil && s.interesting()
}

func callsAny(fn *function, of map[*types.Func]bool) bool {
	for _, callee := range fn.callees {
		if of[callee] {
			return true
		}
	}
	return false
}

// summaryOf is what is known of a function; nil where nothing is.
func (c *checker) summaryOf(fn *types.Func) *summary {
	fn = fn.Origin()
	if s, ok := c.summaries[fn]; ok {
		return s
	}
	s := new(summary)
	if !c.pass.ImportObjectFact(fn, s) {
		s = nil
	}
	c.summaries[fn] = s
	return s
}

// callee is the function or method that is called; nil where it is not known by name.
func (c *checker) callee(call *ast.CallExpr) *types.Func {
	fn, _ := typeutil.Callee(c.info, call).(*types.Func)
	return fn
}

// builtin is the name of the builtin function that is called, those of package unsafe too; "" where
// it is none.
func (c *checker) builtin(call *ast.CallExpr) string {
	var ident *ast.Ident
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		ident = fun
	case *ast.SelectorExpr:
		ident = fun.Sel
	}
	if ident != nil {
		if b, ok := c.info.Uses[ident].(*types.Builtin); ok {
			return b.Name()
		}
	}
	return ""
}

// operands are a call's arguments, the receiver of a method first.
func (c *checker) operands(call *ast.CallExpr) []ast.Expr {
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		if s := c.info.Selections[sel]; s != nil && s.Kind() == types.MethodVal {
			return append([]ast.Expr{sel.X}, call.Args...)
		}
	}
	return call.Args
}

// analyze goes along the paths of a function and those of the function literals in it.
func (c *checker) analyze(fn *function) {
	fn.diags = nil
	f := newFlow(c, fn.decl, fn.decl.Body, fn.sig)
	st := newState()
	for i, p := range fn.params {
		_, basic := p.Type().Underlying().(*types.Basic)
		if basic && !mayBeBytes(p.Type()) || p.Name() == "" || p.Name() == "_" {
			continue
		}
		st.res[id{pos: p.Pos()}] = &resource{kind: kindOfType(p.Type()), name: p.Name(), param: i + 1}
		st.env[key{root: f.number(p)}] = value{kind: ref, res: id{pos: p.Pos()}}
	}
	f.enter(c.cfgs.FuncDecl(fn.decl), st)
	f.summarize(c.summaries[fn.obj])
	fn.diags = append(fn.diags, f.diags...)
	ast.Inspect(fn.decl.Body, func(n ast.Node) bool {
		if lit, ok := n.(*ast.FuncLit); ok && c.hasConcern(lit.Body) {
			f := newFlow(c, lit, lit.Body, c.info.TypeOf(lit).(*types.Signature))
			f.enter(c.cfgs.FuncLit(lit), newState())
			for _, d := range f.diags {
				same := func(o analysis.Diagnostic) bool { return d.Pos == o.Pos && d.Category == o.Category }
				if !slices.ContainsFunc(fn.diags, same) {
					fn.diags = append(fn.diags, d)
				}
			}
		}
		return true
	})
}
