package lifetime

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/cfg"
)

// maxNodes bounds the work for one function: the nodes that are gone through, each time.
const maxNodes = 5000

// maxInline bounds how deep function literals that are called where they stand are followed.
const maxInline = 3

// A flow is the analysis of one function.
type flow struct {
	*checker
	root ast.Node // its declaration or literal
	body *ast.BlockStmt
	sig  *types.Signature

	numbers   map[types.Object]int // of variables, in keys
	objs      []types.Object       // by number
	constants map[string]constant.Value

	shared    map[types.Object]bool         // variables that a literal assigns to which runs elsewhere
	mentioned map[types.Object]bool         // variables that a literal mentions
	foreign   map[types.Object]bool         // variables that a literal mentions which runs elsewhere
	inlined   map[*ast.FuncLit]bool         // literals called at once, deferred, or in a variable that is only called
	lits      map[types.Object]*ast.FuncLit // the latter
	ranges    map[ast.Expr]bool             // what for range goes through
	rangeVars map[ast.Expr]bool
	comms     map[ast.Stmt]bool      // the communications of select
	ignored   map[*ast.CallExpr]bool // calls whose error or bool is assigned to _
	capAsked  map[string]bool        // slices whose capacity a condition asks for
	switches  map[*ast.CaseClause]*ast.SwitchStmt

	block      *cfg.Block // where it is; nil in a literal
	index      int
	depth      int
	inLoopHead bool
	dropped    ast.Expr // the call whose results nobody takes
	returning  bool     // it is at the results of a return statement
	nodes      int
	gaveUp     bool

	diags   []analysis.Diagnostic
	leaks   map[token.Pos][]leak
	vouched map[token.Pos]map[token.Pos]bool // buffer, call: freed after this call on some path
	early   map[string]token.Pos             // variable: a deferred Free of it that came before it had a buffer

	exits   int
	results []resultSum
	freed   []paramSum
}

type resultSum struct {
	owned, mixed bool
	kind         kind
}

type paramSum struct {
	freed, left int
	by          string
	fields      map[string]int // fields that are freed, and on how many paths
}

func newFlow(c *checker, root ast.Node, body *ast.BlockStmt, sig *types.Signature) *flow {
	f := &flow{
		checker: c, root: root, body: body, sig: sig,
		numbers: map[types.Object]int{}, constants: map[string]constant.Value{},
		shared: map[types.Object]bool{}, mentioned: map[types.Object]bool{}, foreign: map[types.Object]bool{},
		inlined: map[*ast.FuncLit]bool{}, lits: map[types.Object]*ast.FuncLit{},
		ranges: map[ast.Expr]bool{}, rangeVars: map[ast.Expr]bool{}, comms: map[ast.Stmt]bool{},
		switches: map[*ast.CaseClause]*ast.SwitchStmt{}, ignored: map[*ast.CallExpr]bool{}, capAsked: map[string]bool{},
		leaks: map[token.Pos][]leak{}, vouched: map[token.Pos]map[token.Pos]bool{}, early: map[string]token.Pos{},
		results: make([]resultSum, sig.Results().Len()), freed: make([]paramSum, len(paramsOf(sig))),
	}
	f.scan()
	return f
}

// scan notes what has to be known of the body before it is gone through.
func (f *flow) scan() {
	calls := map[types.Object]int{} // calls of variables, and all uses
	uses := map[types.Object]int{}
	assigned := map[types.Object]int{}
	candidates := map[types.Object]*ast.FuncLit{}
	ast.Inspect(f.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			if ident, ok := ast.Unparen(n.Call.Fun).(*ast.Ident); ok {
				calls[f.info.Uses[ident]]--
			}
			if lit, ok := ast.Unparen(n.Call.Fun).(*ast.FuncLit); ok {
				f.inlined[lit] = false
			}
		case *ast.CallExpr:
			switch fun := ast.Unparen(n.Fun).(type) {
			case *ast.FuncLit:
				if _, known := f.inlined[fun]; !known {
					f.inlined[fun] = true
				}
			case *ast.Ident:
				calls[f.info.Uses[fun]]++
			}
		case *ast.AssignStmt:
			if last, ok := n.Lhs[len(n.Lhs)-1].(*ast.Ident); ok && last.Name == "_" && len(n.Rhs) == 1 {
				if call, ok := ast.Unparen(n.Rhs[0]).(*ast.CallExpr); ok {
					f.ignored[call] = true
				}
			}
			for i, lhs := range n.Lhs {
				if ident, ok := lhs.(*ast.Ident); ok {
					obj := f.info.ObjectOf(ident)
					assigned[obj]++
					if n.Tok != token.DEFINE || f.info.Defs[ident] == nil {
						uses[obj]--
					}
					if len(n.Rhs) == len(n.Lhs) {
						if lit, ok := n.Rhs[i].(*ast.FuncLit); ok {
							candidates[obj] = lit
						}
					}
				}
			}
		case *ast.Ident:
			if obj, ok := f.info.Uses[n].(*types.Var); ok {
				uses[obj]++
			}
		case *ast.BinaryExpr:
			if n.Op == token.LSS || n.Op == token.LEQ || n.Op == token.GTR || n.Op == token.GEQ {
				f.noteCapacity(n)
			}
		case *ast.RangeStmt:
			f.ranges[n.X] = true
			f.rangeVars[n.Key], f.rangeVars[n.Value] = true, true
		case *ast.CommClause:
			if n.Comm != nil {
				f.comms[n.Comm] = true
			}
		case *ast.SwitchStmt:
			for _, clause := range n.Body.List {
				f.switches[clause.(*ast.CaseClause)] = n
			}
		}
		return true
	})
	for obj, lit := range candidates {
		if assigned[obj] == 1 && calls[obj] == uses[obj] && !f.mentions(lit, obj) {
			f.inlined[lit] = true
			f.lits[obj] = lit
		}
	}
	// What a literal mentions that is not inlined, or is within one that is not, may be changed at
	// any time.
	var walk func(n ast.Node, foreign bool)
	walk = func(n ast.Node, foreign bool) {
		ast.Inspect(n, func(m ast.Node) bool {
			if lit, ok := m.(*ast.FuncLit); ok && m != n {
				walk(lit.Body, foreign || !f.inlined[lit])
				f.noteMentions(lit, foreign || !f.inlined[lit])
				return false
			}
			return true
		})
	}
	walk(f.body, false)
}

// noteCapacity notes the slices whose capacity a comparison asks for.
func (f *flow) noteCapacity(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && f.builtin(call) == "cap" {
			if text, _, ok := f.canon(call.Args[0]); ok {
				f.capAsked[text] = true
			}
		}
		return true
	})
}

func (f *flow) mentions(n ast.Node, obj types.Object) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if ident, ok := n.(*ast.Ident); ok && f.info.Uses[ident] == obj {
			found = true
		}
		return !found
	})
	return found
}

func (f *flow) noteMentions(lit *ast.FuncLit, foreign bool) {
	outer := func(e ast.Expr) types.Object {
		if ident, ok := ast.Unparen(e).(*ast.Ident); ok {
			if obj, ok := f.info.ObjectOf(ident).(*types.Var); ok && (obj.Pos() < lit.Pos() || lit.End() < obj.Pos()) {
				return obj
			}
		}
		return nil
	}
	ast.Inspect(lit.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if obj := outer(n); obj != nil {
				f.mentioned[obj] = true
				f.foreign[obj] = f.foreign[obj] || foreign
			}
		case *ast.AssignStmt:
			for _, lhs := range n.Lhs {
				if obj := outer(lhs); obj != nil && foreign {
					f.shared[obj] = true
				}
			}
		case *ast.IncDecStmt:
			if obj := outer(n.X); obj != nil && foreign {
				f.shared[obj] = true
			}
		}
		return true
	})
}

// An exit is where a path ends by a return.
type exit struct {
	st     *state
	ret    *ast.ReturnStmt
	values []value
}

// enter goes along all paths of the function.
func (f *flow) enter(g *cfg.CFG, st *state) {
	for _, e := range f.run(g, st) {
		f.leave(e)
	}
	f.reportLeaks()
}

// run goes along all paths of a function or an inlined literal and returns where they end, after
// the deferred calls.
func (f *flow) run(g *cfg.CFG, st *state) (exits []exit) {
	w := newWork(g)
	w.add(g.Blocks[0], st)
	for {
		v, ok := w.next()
		if !ok {
			return exits
		}
		if f.nodes > maxNodes {
			f.gaveUp = true
			return exits
		}
		states := f.begin(v.block, v.st)
		nodes := v.block.Nodes
		cond := f.condition(v.block)
		if cond != nil && len(nodes) > 0 && nodes[len(nodes)-1] == cond {
			nodes = nodes[:len(nodes)-1]
		}
		for i, n := range nodes {
			if f.depth == 0 {
				f.block, f.index = v.block, i
			}
			if ret, ok := n.(*ast.ReturnStmt); ok {
				for _, st := range states {
					exits = append(exits, f.returns(st, ret)...)
				}
				states = nil
				break
			}
			states = f.each(states, func(st *state) []*state { return f.node(st, n) })
		}
		if f.depth == 0 {
			f.block, f.index = v.block, len(nodes)
		}
		for _, st := range states {
			f.branch(v.block, cond, st, w.add)
		}
	}
}

// each goes on from several states.
func (f *flow) each(states []*state, do func(*state) []*state) (out []*state) {
	for _, st := range states {
		f.nodes++
		out = append(out, do(st)...)
	}
	return out
}

// begin does what happens where a block is entered: a loop's variables get the next values, select
// communicates.
func (f *flow) begin(b *cfg.Block, st *state) []*state {
	switch stmt := b.Stmt.(type) {
	case *ast.RangeStmt:
		if b.Kind == cfg.KindRangeBody {
			for _, e := range []ast.Expr{stmt.Key, stmt.Value} {
				if e != nil {
					f.set(st, e, value{}, nil)
				}
			}
			f.sweep(st, stmt.Pos())
		}
	case *ast.CommClause:
		if b.Kind == cfg.KindSelectCaseBody && stmt.Comm != nil {
			delete(f.comms, stmt.Comm)
			states := f.node(st, stmt.Comm)
			f.comms[stmt.Comm] = true
			return states
		}
	}
	return []*state{st}
}

// condition is what decides between a block's successors, if an expression does.
func (f *flow) condition(b *cfg.Block) ast.Expr {
	if len(b.Succs) != 2 {
		return nil
	}
	switch b.Succs[0].Kind {
	case cfg.KindIfThen:
		return b.Succs[0].Stmt.(*ast.IfStmt).Cond
	case cfg.KindForBody:
		return b.Succs[0].Stmt.(*ast.ForStmt).Cond
	case cfg.KindSwitchCaseBody:
		if clause, ok := b.Succs[0].Stmt.(*ast.CaseClause); ok && f.switches[clause] != nil && len(b.Nodes) > 0 {
			e, _ := b.Nodes[len(b.Nodes)-1].(ast.Expr)
			return e
		}
	}
	return nil
}

// branch goes on to a block's successors.
func (f *flow) branch(b *cfg.Block, cond ast.Expr, st *state, add func(*cfg.Block, *state)) {
	if cond == nil {
		for i, next := range b.Succs {
			if i+1 < len(b.Succs) {
				add(next, st.clone())
			} else {
				add(next, st)
			}
		}
		return
	}
	f.inLoopHead = b.Kind == cfg.KindForLoop
	defer func() { f.inLoopHead = false }()
	for i, next := range b.Succs {
		for _, in := range f.closures(st.clone(), cond) {
			var out []*state
			clause, _ := b.Succs[0].Stmt.(*ast.CaseClause)
			if s := f.switches[clause]; s != nil && s.Tag != nil {
				out = f.assumeCompared(in, s.Tag, token.EQL, cond, i == 0)
			} else {
				out = f.assume(in, cond, i == 0)
			}
			for _, st := range out {
				f.sweep(st, cond.Pos())
				add(next, st)
			}
		}
	}
}

// node goes through a statement, or an expression that stands alone.
func (f *flow) node(st *state, n ast.Node) []*state {
	if s, ok := n.(ast.Stmt); ok && f.comms[s] {
		return []*state{st} // begin does it, in its branch of select
	}
	if e, ok := n.(ast.Expr); ok && f.rangeVars[e] {
		return []*state{st}
	}
	states := f.closures(st, n)
	var out []*state
	for _, st := range states {
		if f.stmt(st, n) {
			f.sweep(st, n.Pos())
			out = append(out, st)
		}
	}
	return out
}

// closures goes through the literals that are called in a node.
func (f *flow) closures(st *state, n ast.Node) []*state {
	states := []*state{st}
	if _, ok := n.(*ast.DeferStmt); ok {
		return states
	}
	ast.Inspect(n, func(m ast.Node) bool {
		switch m := m.(type) {
		case *ast.FuncLit:
			return false
		case *ast.GoStmt:
			return false
		case *ast.CallExpr:
			if lit := f.literal(m); lit != nil {
				states = f.each(states, func(st *state) []*state {
					var args []value
					for _, arg := range m.Args {
						args = append(args, f.eval(st, arg))
					}
					return f.inline(st, lit, args)
				})
			}
		}
		return true
	})
	return states
}

// literal is the inlined function literal that is called; nil where none is.
func (f *flow) literal(call *ast.CallExpr) *ast.FuncLit {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.FuncLit:
		if f.inlined[fun] {
			return fun
		}
	case *ast.Ident:
		return f.lits[f.info.Uses[fun]]
	}
	return nil
}

// inline goes through a function literal as if it stood where it is called.
func (f *flow) inline(st *state, lit *ast.FuncLit, args []value) []*state {
	if f.depth >= maxInline {
		f.gaveUp = true
		return nil
	}
	f.depth++
	defer func() { f.depth-- }()
	outer := st.defers
	st.defers = nil
	i := 0
	for _, field := range lit.Type.Params.List {
		for _, name := range field.Names {
			if i < len(args) && args[i].kind != nothing {
				f.set(st, name, args[i], nil)
			}
			i++
		}
	}
	var out []*state
	for _, e := range f.run(f.cfgs.FuncLit(lit), st) {
		for _, v := range e.values {
			f.escape(e.st, v, lit.Pos())
		}
		e.st.defers = slices.Clone(outer)
		for k := range e.st.env {
			if obj := f.objs[k.root]; lit.Pos() <= obj.Pos() && obj.Pos() < lit.End() {
				delete(e.st.env, k)
			}
		}
		for i, r := range e.st.res { // what the literal has made and lost: it is analysed by itself, too
			if lit.Pos() <= i.pos && i.pos < lit.End() && !e.st.refers(i) && r.param == 0 {
				delete(e.st.res, i)
			}
		}
		out = append(out, e.st)
	}
	return out
}

// stmt goes through a statement. It returns false where the path ends with it.
func (f *flow) stmt(st *state, n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ExprStmt:
		f.dropped = n.X
		f.eval(st, n.X)
		f.dropped = nil
		if call, ok := ast.Unparen(n.X).(*ast.CallExpr); ok && f.endsByName(call) {
			return false
		}
	case *ast.AssignStmt:
		f.assign(st, n)
	case *ast.ValueSpec:
		f.declare(st, n)
	case *ast.IncDecStmt:
		f.eval(st, n.X)
		if k, ok := f.key(n.X); ok {
			st.forget(k)
		}
	case *ast.SendStmt:
		f.eval(st, n.Chan)
		v := f.eval(st, n.Value)
		f.use(st, v, n.Value, "sent")
		f.escape(st, v, n.Value.Pos())
		for _, v := range append(v.parts, v) {
			if v.place == view {
				f.keptView(st, v, n.Value.Pos())
			}
		}
	case *ast.GoStmt:
		f.goes(st, n.Call)
	case *ast.DeferStmt:
		f.deferStmt(st, n)
	case ast.Expr:
		v := f.eval(st, n)
		if f.ranges[n] {
			f.use(st, v, n, "used")
		}
	}
	return true
}

var endNames = map[string]bool{
	"Fatal": true, "Fatalf": true, "Fatalln": true, "FailNow": true, "Skip": true, "Skipf": true, "SkipNow": true,
	"Panic": true, "Panicf": true, "Panicln": true, "Fatalw": true, "Panicw": true, "Exit": true, "Goexit": true,
}

// endsByName tells whether a call is one that never returns, as its name says: testing.TB and
// loggers are interfaces.
func (f *flow) endsByName(call *ast.CallExpr) bool {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.SelectorExpr:
		return endNames[fun.Sel.Name]
	case *ast.Ident:
		return fun.Name == "panic" || fun.Name == "fatal" || fun.Name == "fatalf"
	}
	return false
}

// sweep finds the buffers of which no variable is left.
func (f *flow) sweep(st *state, at token.Pos) {
	for i, r := range st.res {
		if r.status != live || !r.owned || r.escaped || r.bound.IsValid() || st.refers(i) {
			continue
		}
		r := st.change(i)
		r.status = gone
		if r.pending {
			continue
		}
		f.addLeak(i, r, leak{end: at, lost: true, dropped: r.name == ""})
	}
}

// returns ends a path: the results are evaluated, then the deferred calls run.
func (f *flow) returns(st *state, ret *ast.ReturnStmt) (exits []exit) {
	for _, st := range f.closures(st, ret) {
		values := f.returned(st, ret)
		states := []*state{st}
		for _, d := range slices.Backward(slices.Clone(st.defers)) {
			states = f.each(states, func(st *state) []*state { return f.runDeferred(st, d) })
		}
		for _, st := range states {
			exits = append(exits, exit{st, ret, f.named(st, values)})
		}
	}
	return exits
}

// returned evaluates a return statement's results.
func (f *flow) returned(st *state, ret *ast.ReturnStmt) []value {
	sig := f.sig
	if f.depth > 0 {
		var values []value
		for _, e := range ret.Results {
			v := f.eval(st, e)
			f.use(st, v, e, "returned")
			values = append(values, v)
		}
		return values
	}
	values := make([]value, sig.Results().Len())
	switch {
	case len(ret.Results) == 0:
		for i := range values {
			if r := sig.Results().At(i); r.Name() != "" {
				values[i] = st.env[key{root: f.number(r)}]
			}
		}
	case len(ret.Results) == 1 && len(values) > 1:
		if call, ok := ast.Unparen(ret.Results[0]).(*ast.CallExpr); ok {
			copy(values, f.call(st, call))
		}
	default:
		for i, e := range ret.Results {
			values[i] = f.eval(st, e)
			f.use(st, values[i], e, "returned")
		}
		for i, e := range ret.Results {
			if r := sig.Results().At(i); r.Name() != "" && r.Name() != "_" {
				f.returning = true // an error that a call returns here is not nil
				f.setVar(st, r, values[i], e)
				f.returning = false
			}
		}
	}
	return values
}

// named are the results after the deferred calls, which may have changed those that have a name.
func (f *flow) named(st *state, values []value) []value {
	values = slices.Clone(values)
	if f.depth > 0 {
		return values
	}
	for i := range values {
		if r := f.sig.Results().At(i); r.Name() != "" && r.Name() != "_" && !f.shared[r] {
			values[i] = st.env[key{root: f.number(r)}]
		}
	}
	return values
}

// leave ends a path of the function itself.
func (f *flow) leave(e exit) {
	st := e.st
	f.exits++
	at := e.ret.Pos()
	failed := f.failed(st, e)
	for i, v := range e.values {
		r := st.of(v)
		sum := &f.results[i]
		for _, part := range v.parts {
			if held := st.of(part); held != nil && held.status == freed && !failed {
				f.reportReturned(e.ret, i, held)
				st.change(part.res).status = gone
			} else if held != nil && part.place == view {
				f.keptView(st, part, at)
			}
		}
		switch {
		case r == nil:
			if !failed && !f.returnsNil(st, e.ret, i) {
				sum.mixed = true
			}
			continue
		case r.status == freed && failed: // the caller does not look at it
		case r.status == freed:
			f.reportReturned(e.ret, i, r)
			st.change(v.res).status = gone
		case v.place == view:
			f.keptView(st, v, at)
		case v.place == start && r.local && r.status == live && !r.escaped && len(r.keepers) == 0 && (r.owned || r.lends()):
			sum.owned, sum.kind = true, r.kind
		default:
			sum.mixed = true
		}
		f.results[i].mixed = f.results[i].mixed || r.status == freed
		if v.place != view && v.place != stale {
			r := st.change(v.res)
			r.escaped = true
		}
	}
	for k, v := range st.env {
		obj := f.objs[k.root]
		f.noteField(st, k, v)
		if v.place == view && st.of(v) != nil && f.isParam(obj) && k.path != "" {
			f.keptView(st, v, v.at)
		}
	}
	for i, r := range st.res {
		switch {
		case r.kept.IsValid() && !r.escaped && (r.local && r.lends() || r.status == freed && r.freedBy != ""):
			category := outlives
			if r.kind == pooled || r.freedBy == "Put" {
				category = afterPut
			}
			name := f.nameOf(nil, r)
			f.report(r.kept, category, "bytes of %s are kept, and %s does not live longer than the function", name, name)
		case r.status == live && r.owned && !r.escaped && !r.pending && !r.bound.IsValid():
			f.addLeak(i, r, leak{end: e.ret.Pos()})
		}
		if r.param > 0 && r.param <= len(f.freed) {
			p := &f.freed[r.param-1]
			switch {
			case r.status == freed:
				p.freed++
				p.by = r.freedBy
			case r.status == gone || r.sized:
			default:
				p.left++
			}
		}
	}
}

// noteField notes that a field of a parameter is free where the function ends.
func (f *flow) noteField(st *state, k key, v value) {
	r := st.of(v)
	if r == nil || r.status != freed || r.freedBy == "Put" || v.place != start ||
		k.path == "" || strings.ContainsAny(k.path, "*[") {
		return
	}
	for i, p := range paramsOf(f.sig) {
		if p != f.objs[k.root] {
			continue
		}
		if f.freed[i].fields == nil {
			f.freed[i].fields = map[string]int{}
		}
		f.freed[i].fields[k.path]++
	}
}

func (f *flow) isParam(obj types.Object) bool {
	return slices.ContainsFunc(paramsOf(f.sig), func(p *types.Var) bool { return p == obj })
}

// keptView notes that bytes which a resource has lent outlive the function.
func (f *flow) keptView(st *state, v value, at token.Pos) {
	if r := st.of(v); r != nil && !r.kept.IsValid() && r.status != gone {
		st.change(v.res).kept = at
	}
}

// failed tells whether a return statement returns an error that is not nil.
func (f *flow) failed(st *state, e exit) bool {
	n := f.sig.Results().Len()
	if n < 2 || !isError(f.sig.Results().At(n-1).Type()) {
		return false
	}
	if len(e.ret.Results) != n {
		r := f.sig.Results().At(n - 1)
		known, ok := st.atoms["#"+itoa(f.number(r))+";==nil"]
		return ok && !known
	}
	last := ast.Unparen(e.ret.Results[n-1])
	if f.isNil(last) {
		return false
	}
	if f.notNil(last) {
		return true
	}
	if text, _, ok := f.canon(last); ok {
		known, ok := st.atoms[text+"==nil"]
		return ok && !known
	}
	return false
}

// notNil tells whether an expression is an error that is not nil, as far as it can be told from it:
// a call that makes one, a package's variable, a literal.
func (f *flow) notNil(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.CallExpr:
		return true
	case *ast.UnaryExpr:
		return e.Op == token.AND
	case *ast.CompositeLit:
		return true
	case *ast.Ident:
		obj := f.info.Uses[e]
		return obj != nil && f.isGlobal(obj) && isVar(obj)
	case *ast.SelectorExpr:
		obj := f.info.Uses[e.Sel]
		return obj != nil && f.info.Selections[e] == nil && isVar(obj)
	}
	return false
}

func isVar(obj types.Object) bool {
	_, ok := obj.(*types.Var)
	return ok
}

// returnsNil tells whether result i of a return statement is nil, or empty.
func (f *flow) returnsNil(st *state, ret *ast.ReturnStmt, i int) bool {
	if len(ret.Results) == 0 {
		r := f.sig.Results().At(i)
		return st.atoms["#"+itoa(f.number(r))+";==nil"]
	}
	if i >= len(ret.Results) {
		return false
	}
	e := ast.Unparen(ret.Results[i])
	if lit, ok := e.(*ast.CompositeLit); ok && len(lit.Elts) == 0 {
		return true
	}
	text, _, ok := f.canon(e)
	return f.isNil(e) || ok && st.atoms[text+"==nil"]
}

// summarize writes what was found out about the function to its summary.
func (f *flow) summarize(s *summary) {
	for i := range s.Params {
		s.Params[i].Frees, s.Params[i].By, s.Params[i].Fields = never, "", nil
		for path, n := range f.freed[i].fields {
			if n == f.exits && !f.gaveUp {
				s.Params[i].Fields = append(s.Params[i].Fields, field{path})
			}
		}
		slices.SortFunc(s.Params[i].Fields, func(a, b field) int { return strings.Compare(a.Path, b.Path) })
		if p := f.freed[i]; p.freed > 0 && f.exits > 0 {
			s.Params[i].Frees, s.Params[i].By = always, p.by
			if p.left > 0 || f.gaveUp {
				s.Params[i].Frees = sometimes
			}
		}
	}
	for i := range s.Results {
		r := f.results[i]
		s.Results[i].Owned = r.owned && !r.mixed && !f.gaveUp
		s.Results[i].Kind = r.kind
	}
}
