package lifetime

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// eval evaluates an expression: what it calls is done, what it uses that was freed is reported, and
// what is known of its value is returned.
func (f *flow) eval(st *state, e ast.Expr) value {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if k, ok := f.key(e); ok {
			return st.env[k]
		}
	case *ast.SelectorExpr:
		return f.selector(st, e)
	case *ast.StarExpr:
		v := f.eval(st, e.X)
		f.use(st, v, e.X, "used")
		if k, ok := f.key(e); ok && st.env[k].kind != nothing {
			return st.env[k]
		}
		if r := st.of(v); r != nil && (r.kind == pooled || r.param > 0) && isSlice(f.info.TypeOf(e)) {
			return value{kind: ref, res: v.res, place: view, at: e.Pos()}
		}
	case *ast.IndexExpr:
		if f.info.Types[e.X].IsValue() {
			v := f.eval(st, e.X)
			f.use(st, v, e.X, "used")
			f.eval(st, e.Index)
			if k, ok := f.key(e); ok {
				return st.env[k]
			}
		}
	case *ast.SliceExpr:
		v := f.eval(st, e.X)
		for _, bound := range []ast.Expr{e.Low, e.High, e.Max} {
			if bound != nil {
				f.eval(st, bound)
			}
		}
		if v.kind == ref && v.place == start && e.Low != nil && !f.isZero(e.Low) {
			v.place, v.at = inside, e.Pos()
		}
		return v
	case *ast.UnaryExpr:
		return f.unary(st, e)
	case *ast.BinaryExpr:
		if e.Op == token.LAND || e.Op == token.LOR {
			// Y is evaluated only where X says so; what it does is of no consequence but for the
			// reports.
			f.eval(st, e.X)
			for _, s := range f.assume(st.clone(), e.X, e.Op == token.LAND) {
				f.eval(s, e.Y)
			}
			return value{}
		}
		f.eval(st, e.X)
		f.eval(st, e.Y)
	case *ast.CallExpr:
		if vs := f.call(st, e); len(vs) > 0 {
			return vs[0]
		}
	case *ast.CompositeLit:
		var parts []value
		for _, elt := range e.Elts {
			if kv, ok := elt.(*ast.KeyValueExpr); ok {
				if _, isStruct := f.info.TypeOf(e).Underlying().(*types.Struct); !isStruct {
					f.eval(st, kv.Key)
				}
				elt = kv.Value
			}
			v := f.eval(st, elt)
			f.use(st, v, elt, "stored")
			f.escape(st, v, elt.Pos())
			if v.kind == ref {
				parts = append(parts, v)
			}
			parts = append(parts, v.parts...)
		}
		if len(parts) > 0 {
			return value{kind: holder, parts: parts}
		}
	case *ast.FuncLit:
		if !f.inlined[e] {
			f.captured(st, e)
		}
	case *ast.TypeAssertExpr:
		return f.eval(st, e.X)
	}
	return value{}
}

func isSlice(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Slice)
	return ok
}

func isPointer(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

func (f *flow) selector(st *state, e *ast.SelectorExpr) value {
	s := f.info.Selections[e]
	if s == nil { // of a package, or a method expression
		if k, ok := f.key(e); ok {
			return st.env[k]
		}
		return value{}
	}
	v := f.eval(st, e.X)
	if s.Kind() != types.FieldVal {
		f.use(st, v, e.X, "used")
		f.escape(st, v, e.Pos())
		return value{}
	}
	if isPointer(f.info.TypeOf(e.X)) {
		f.use(st, v, e.X, "used")
	}
	if k, ok := f.key(e); ok && st.env[k].kind != nothing {
		return st.env[k]
	}
	if r := st.of(v); r != nil && r.kind == pooled && isBytes(f.info.TypeOf(e)) {
		return value{kind: ref, res: v.res, place: view, at: e.Pos()}
	}
	return value{}
}

func (f *flow) unary(st *state, e *ast.UnaryExpr) value {
	if e.Op != token.AND {
		f.eval(st, e.X)
		return value{}
	}
	switch x := ast.Unparen(e.X).(type) {
	case *ast.IndexExpr: // &b[0]
		v := f.eval(st, x.X)
		f.eval(st, x.Index)
		if v.kind == ref && v.place == start && !f.isZero(x.Index) {
			v.place, v.at = inside, e.Pos()
		}
		return v
	case *ast.CompositeLit:
		return f.eval(st, x)
	case *ast.SelectorExpr:
		f.eval(st, x)
	case *ast.Ident: // who has the variable's address may change it, or keep what is in it
		v := f.eval(st, x)
		if r := st.of(v); r != nil && (r.kind == handle || r.kind == arena) {
			return v
		}
		f.escape(st, v, e.Pos())
		if k, ok := f.key(x); ok {
			st.forget(k)
		}
	default:
		f.eval(st, e.X)
	}
	return value{}
}

// use reports a value that is used although it was freed.
func (f *flow) use(st *state, v value, e ast.Expr, how string) {
	for _, part := range v.parts {
		f.use(st, part, e, how)
	}
	r := st.of(v)
	switch {
	case r == nil || r.status == gone:
	case v.place == stale:
		f.report(e.Pos(), usedAfter, "%s is %s after the Reset of its arena at %s", f.nameOf(e, r), how,
			f.line(v.at, e.Pos()))
		st.change(v.res).status = gone
	case r.status == freed:
		f.reportUse(e, r, how)
		st.change(v.res).status = gone
	case v.place == view:
		f.checkHolder(st, v, e)
	}
}

// checkHolder reports bytes that are used where nothing holds the handle any more that has lent
// them.
func (f *flow) checkHolder(st *state, v value, e ast.Expr) {
	r := st.of(v)
	if !r.lends() || !r.local || r.escaped || r.bound.IsValid() || f.depth > 0 || f.block == nil {
		return
	}
	for _, d := range st.defers {
		for _, a := range d.args {
			if a.kind == ref && a.res == v.res {
				return
			}
		}
	}
	for k, other := range st.env {
		if other.kind == ref && other.res == v.res && other.place == start {
			obj := f.objs[k.root]
			if k.path != "" || f.mentioned[obj] || f.isOuter(obj) || f.isResult(obj) || f.usedLater(obj) {
				return
			}
		}
	}
	f.report(e.Pos(), outlives, "%s is used where nothing holds its handle: the collector may have freed it",
		f.nameOf(e, r))
	st.change(v.res).status = gone
}

func (f *flow) isResult(obj types.Object) bool {
	for i := range f.sig.Results().Len() {
		if f.sig.Results().At(i) == obj {
			return true
		}
	}
	return false
}

// captured has a function literal that runs elsewhere take what it mentions.
func (f *flow) captured(st *state, lit *ast.FuncLit) {
	ast.Inspect(lit.Body, func(n ast.Node) bool {
		if ident, ok := n.(*ast.Ident); ok {
			if obj, ok := f.info.Uses[ident].(*types.Var); ok && (obj.Pos() < lit.Pos() || lit.End() < obj.Pos()) {
				for k, v := range st.env {
					if f.objs[k.root] == obj {
						f.escape(st, v, ident.Pos())
					}
				}
			}
		}
		return true
	})
}

// escape notes that somebody else has a value from here on.
func (f *flow) escape(st *state, v value, _ token.Pos) {
	if r := st.of(v); r != nil && !r.escaped && (r.owned || r.local) && v.place != view && v.place != stale {
		st.change(v.res).escaped = true
	}
	if v.kind == closure {
		f.captured(st, v.lit)
	}
}

func (f *flow) assign(st *state, n *ast.AssignStmt) {
	if n.Tok != token.ASSIGN && n.Tok != token.DEFINE { // +=
		f.eval(st, n.Lhs[0])
		f.eval(st, n.Rhs[0])
		if k, ok := f.key(n.Lhs[0]); ok {
			st.forget(k)
		}
		return
	}
	values := make([]value, len(n.Lhs))
	rhs := make([]ast.Expr, len(n.Lhs))
	if len(n.Lhs) == len(n.Rhs) {
		for i, e := range n.Rhs {
			values[i] = f.eval(st, e)
			rhs[i] = e
		}
	} else if call, ok := ast.Unparen(n.Rhs[0]).(*ast.CallExpr); ok {
		copy(values, f.call(st, call))
	} else {
		values[0] = f.eval(st, n.Rhs[0])
	}
	for i, lhs := range n.Lhs {
		if len(n.Lhs) == len(n.Rhs) {
			f.share(st, lhs, rhs[i], &values[i])
		}
		f.set(st, lhs, values[i], rhs[i])
	}
}

// share makes a resource of what a pointer or a slice points to that is copied to a second
// variable, so that both are known to be the same.
func (f *flow) share(st *state, lhs, rhs ast.Expr, v *value) {
	if v.kind != nothing || !canHold(f.info.TypeOf(rhs)) {
		return
	}
	if ident, ok := ast.Unparen(lhs).(*ast.Ident); !ok || ident.Name == "_" {
		return
	}
	base := rhs
	for {
		if s, ok := ast.Unparen(base).(*ast.SliceExpr); ok {
			base = s.X
			continue
		}
		break
	}
	if ident, ok := ast.Unparen(base).(*ast.Ident); ok {
		if f.known(st, ident).kind == ref {
			*v = f.eval(st, rhs)
		}
	}
}

func canHold(t types.Type) bool {
	if t == nil { // x in switch x := y.(type)
		return false
	}
	switch t.Underlying().(type) {
	case *types.Slice, *types.Pointer:
		return true
	}
	return kindOfType(t) != given
}

// known evaluates an expression, and makes a resource of it where it is a variable, or is reached
// from one, of which nothing is known.
func (f *flow) known(st *state, e ast.Expr) value {
	v := f.eval(st, e)
	if v.kind != nothing {
		return v
	}
	if k, ok := f.key(e); ok && !f.isNil(e) {
		if known, ok := st.atoms[f.text(k)+"==nil"]; ok && known {
			return value{}
		}
		v = st.create(ast.Unparen(e).Pos(), resource{kind: kindOfType(f.info.TypeOf(e)), name: types.ExprString(e)})
		v.fresh = false
		st.env[k] = v
	}
	return v
}

func (f *flow) text(k key) string { return "#" + itoa(k.root) + ";" + k.path }

func (f *flow) declare(st *state, n *ast.ValueSpec) {
	values := make([]value, len(n.Names))
	rhs := make([]ast.Expr, len(n.Names))
	switch {
	case len(n.Values) == len(n.Names):
		for i, e := range n.Values {
			values[i] = f.eval(st, e)
			rhs[i] = e
			f.share(st, n.Names[i], e, &values[i])
		}
	case len(n.Values) == 1:
		if call, ok := ast.Unparen(n.Values[0]).(*ast.CallExpr); ok {
			copy(values, f.call(st, call))
		} else {
			values[0] = f.eval(st, n.Values[0])
		}
	}
	for i, name := range n.Names {
		f.set(st, name, values[i], rhs[i])
		if len(n.Values) == 0 {
			f.setZero(st, name)
		}
	}
}

// setZero notes that a variable has its type's zero value.
func (f *flow) setZero(st *state, name *ast.Ident) {
	k, ok := f.key(name)
	if !ok {
		return
	}
	text := f.text(k)
	if kindOfType(f.info.TypeOf(name)) != given && !strings.HasSuffix(f.info.TypeOf(name).String(), "/buf.Buffer") {
		st.atoms[text+"==nil"] = true // the zero handle: all calls of it are right
		return
	}
	switch t := f.info.TypeOf(name).Underlying().(type) {
	case *types.Slice, *types.Pointer, *types.Interface, *types.Map, *types.Signature, *types.Chan:
		st.atoms[text+"==nil"] = true
	case *types.Basic:
		switch {
		case t.Info()&types.IsBoolean != 0:
			st.atoms[text] = false
		case t.Info()&types.IsInteger != 0:
			f.constants["0"] = zero
			st.atoms[text+"==0"] = true
		}
	}
}

// set assigns a value to what is on the left of an assignment.
func (f *flow) set(st *state, lhs ast.Expr, v value, rhs ast.Expr) {
	lhs = ast.Unparen(lhs)
	if ident, ok := lhs.(*ast.Ident); ok {
		if ident.Name == "_" {
			return
		}
		if obj, ok := f.info.ObjectOf(ident).(*types.Var); ok {
			f.setVar(st, obj, v, rhs)
		}
		return
	}
	var base ast.Expr
	switch lhs := lhs.(type) {
	case *ast.SelectorExpr:
		base = lhs.X
	case *ast.StarExpr:
		base = lhs.X
	case *ast.IndexExpr:
		base = lhs.X
		f.eval(st, lhs.Index)
	}
	var owner value
	if base != nil && f.info.Types[base].IsValue() {
		owner = f.eval(st, base)
		t := f.info.TypeOf(base)
		if isPointer(t) || isSlice(t) {
			f.use(st, owner, base, "used")
		}
	}
	f.use(st, v, orExpr(rhs, lhs), "stored")
	f.escape(st, v, lhs.Pos())
	if r := st.of(owner); r != nil && owner.place == start && r.kind != handle && r.kind != arena {
		f.lend(st, owner, v, rhs)
	}
	if k, ok := f.key(lhs); ok {
		st.forget(k)
		if whole := (key{root: k.root}); st.env[whole].kind == holder {
			delete(st.env, whole)
		}
		if v.kind == ref && !(st.of(owner) != nil && v.place == view && v.res == owner.res) {
			v.fresh = false
			if v.place == view {
				v.at = lhs.Pos()
			}
			st.env[k] = v
		}
		f.noteConstant(st, k, rhs)
	}
}

func orExpr(a, b ast.Expr) ast.Expr {
	if a != nil {
		return a
	}
	return b
}

// lend notes that a field of a pooled object, or what a pooled pointer points to, is assigned to:
// what it has lent before is its no more, what it is given is its.
func (f *flow) lend(st *state, owner, v value, rhs ast.Expr) {
	own := v.kind == ref && v.res == owner.res
	if !own {
		for k, other := range st.env {
			if other.kind == ref && other.res == owner.res && other.place == view {
				delete(st.env, k)
			}
		}
	}
	r := st.of(owner)
	if rhs == nil || r.kind != pooled && r.param == 0 || !isSlice(f.info.TypeOf(rhs)) {
		return
	}
	base := ast.Unparen(rhs)
	for {
		if s, ok := base.(*ast.SliceExpr); ok {
			base = ast.Unparen(s.X)
			continue
		}
		break
	}
	if ident, ok := base.(*ast.Ident); ok && (v.kind == nothing || st.of(v) != nil && !st.of(v).owned) {
		if k, ok := f.key(ident); ok && !f.isNil(ident) && !f.isParam(f.objs[k.root]) {
			st.env[k] = value{kind: ref, res: owner.res, place: view, at: rhs.Pos()}
		}
	}
}

func (f *flow) setVar(st *state, obj *types.Var, v value, rhs ast.Expr) {
	k := key{root: f.number(obj)}
	st.forget(k)
	if f.shared[obj] || f.isOuter(obj) {
		f.escape(st, v, obj.Pos())
	}
	if f.shared[obj] {
		return
	}
	if v.kind != nothing {
		v.fresh = false
		st.env[k] = v
		if r := st.of(v); r != nil && r.name == "" && v.place != view {
			st.change(v.res).name = obj.Name()
		}
	}
	f.noteConstant(st, k, rhs)
}

// noteConstant notes what is known of a variable by the expression that was assigned to it.
func (f *flow) noteConstant(st *state, k key, rhs ast.Expr) {
	if rhs == nil {
		return
	}
	text := f.text(k)
	tv := f.info.Types[rhs]
	switch {
	case tv.IsNil():
		st.atoms[text+"==nil"] = true
	case tv.Value != nil && isBool(tv.Type):
		st.atoms[text] = tv.Value.String() == "true"
	case tv.Value != nil:
		f.constants[tv.Value.ExactString()] = tv.Value
		st.atoms[text+"=="+tv.Value.ExactString()] = true
	case isError(tv.Type) && f.errorMade(rhs):
		st.atoms[text+"==nil"] = false
	default:
		if from, _, ok := f.canon(rhs); ok {
			for _, suffix := range []string{"", "==nil"} {
				if truth, ok := st.atoms[from+suffix]; ok {
					st.atoms[text+suffix] = truth
				}
			}
		}
	}
}

// errorMade tells whether an expression is an error that is not nil for certain.
func (f *flow) errorMade(e ast.Expr) bool {
	if call, ok := ast.Unparen(e).(*ast.CallExpr); ok {
		fn := f.callee(call)
		if fn == nil || fn.Pkg() == nil {
			return false
		}
		path := fn.Pkg().Path()
		return path == "errors" && fn.Name() == "New" || path == "fmt" && fn.Name() == "Errorf" || f.returning
	}
	return f.notNil(e)
}

// goes goes through a go statement's call.
func (f *flow) goes(st *state, call *ast.CallExpr) {
	if lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok {
		ast.Inspect(lit.Body, func(n ast.Node) bool {
			if ident, ok := n.(*ast.Ident); ok && f.info.Uses[ident] != nil {
				if k, ok := f.key(ident); ok && st.env[k].kind == ref {
					f.use(st, st.env[k], ident, "used")
				}
			}
			return true
		})
		f.captured(st, lit)
	}
	for _, e := range f.operands(call) {
		v := f.eval(st, e)
		f.use(st, v, e, "used")
		f.escape(st, v, e.Pos())
	}
	if ident, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		f.escape(st, f.eval(st, ident), ident.Pos())
	}
}

func (f *flow) deferStmt(st *state, n *ast.DeferStmt) {
	d := deferred{stmt: n}
	call := n.Call
	if f.literal(call) != nil {
		for _, arg := range call.Args {
			d.args = append(d.args, f.eval(st, arg))
		}
	} else {
		if lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok {
			f.captured(st, lit)
		}
		fn := f.callee(call)
		for i, e := range f.operands(call) {
			gives := f.givesBack(fn, i)
			v := value{}
			if gives != never {
				v = f.known(st, e)
				if st.of(v) == nil && f.isOwnType(e) {
					if ident, ok := ast.Unparen(e).(*ast.Ident); ok {
						f.early[ident.Name] = n.Pos()
					}
				}
			} else {
				v = f.eval(st, e)
			}
			if _, isLit := ast.Unparen(e).(*ast.FuncLit); isLit {
				v = value{}
			}
			d.args = append(d.args, v)
			if r := st.of(v); r != nil && gives != never && f.mayGive(st, v, e, f.verb(fn, i)) {
				if gives == sometimes {
					st.change(v.res).status = gone
				} else {
					st.change(v.res).bound = n.Pos()
				}
			} else if r != nil && gives == never && fn != nil && f.roleOf(fn) == unknownRole && !f.borrowed(fn, i) {
				f.keep(st, v, call)
			}
		}
	}
	for i, other := range st.defers {
		if other.stmt == n { // a loop
			st.defers[i] = d
			return
		}
	}
	st.defers = append(st.defers, d)
}

func (f *flow) isOwnType(e ast.Expr) bool { return isSlice(f.info.TypeOf(e)) }

// runDeferred runs a deferred call where the function ends.
func (f *flow) runDeferred(st *state, d deferred) []*state {
	call := d.stmt.Call
	if lit := f.literal(call); lit != nil {
		return f.inline(st, lit, d.args)
	}
	fn := f.callee(call)
	operands := f.operands(call)
	for i, v := range d.args {
		r := st.of(v)
		if r == nil || r.status == gone {
			continue
		}
		switch f.givesBack(fn, i) {
		case always:
			if r.status == freed {
				if !f.idempotent(fn) {
					f.reportTwice(operands[i], r, f.verb(fn, i))
				}
				continue
			}
			r := st.change(v.res)
			r.bound = token.NoPos
			r.status, r.freedAt, r.freedBy = freed, d.stmt.Pos(), f.verb(fn, i)
			f.vouch(v.res, r)
		case never:
			if f.roleOf(fn) != attaches && v.place != start || isSlice(f.info.TypeOf(operands[i])) {
				f.use(st, v, operands[i], "used")
			}
		}
	}
	return []*state{st}
}

// givesBack tells on how many of a function's paths operand i is freed, put or released.
func (f *flow) givesBack(fn *types.Func, i int) amount {
	if fn == nil {
		return never
	}
	switch f.roleOf(fn) {
	case frees, releases:
		if i == 0 {
			return always
		}
	case putsToPool:
		if i == 1 {
			return always
		}
	case unknownRole:
		if s := f.summaryOf(fn); s != nil && i < len(s.Params) {
			return s.Params[i].Frees
		}
	}
	return never
}

// verb says in reports what has freed operand i.
func (f *flow) verb(fn *types.Func, i int) string {
	switch f.roleOf(fn) {
	case unknownRole:
		if s := f.summaryOf(fn); s != nil && i < len(s.Params) && s.Params[i].By == "Put" {
			return "Put"
		}
	}
	return fn.Name()
}

func (f *flow) idempotent(fn *types.Func) bool { return f.roleOf(fn) == releases }

func (f *flow) borrowed(fn *types.Func, i int) bool {
	s := f.summaryOf(fn)
	return s != nil && i < len(s.Params) && s.Params[i].Borrows
}

// vouch notes that a buffer was freed after the calls that may have kept it: so they have not.
func (f *flow) vouch(i id, r *resource) {
	for _, k := range r.keepers {
		if !k.judged {
			if f.vouched[i.pos] == nil {
				f.vouched[i.pos] = map[token.Pos]bool{}
			}
			f.vouched[i.pos][k.call] = true
		}
	}
}

// keep notes that a call may keep a resource.
func (f *flow) keep(st *state, v value, call *ast.CallExpr) {
	r := st.of(v)
	if r == nil || !r.owned && !r.local || v.place == view || v.place == stale {
		return
	}
	r = st.change(v.res)
	if r.kind == handle || r.kind == arena {
		r.escaped = true
		return
	}
	for _, k := range r.keepers {
		if k.call == call.Pos() {
			return
		}
	}
	r.keepers = append(r.keepers, keeper{call: call.Pos()})
}

// usedLater tells whether a variable is used after the node at hand, or in it.
func (f *flow) usedLater(obj types.Object) bool {
	for _, n := range f.block.Nodes[min(f.index, len(f.block.Nodes)):] {
		if f.mentions(n, obj) {
			return true
		}
	}
	seen := map[int32]bool{}
	work := append(f.block.Succs[:0:0], f.block.Succs...)
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		if seen[b.Index] {
			continue
		}
		seen[b.Index] = true
		for _, n := range b.Nodes {
			if f.mentions(n, obj) && !f.onlyAssigned(n, obj) {
				return true
			}
		}
		work = append(work, b.Succs...)
	}
	return false
}

// onlyAssigned tells whether a node gives a variable a new value without use of the old one.
func (f *flow) onlyAssigned(n ast.Node, obj types.Object) bool {
	a, ok := n.(*ast.AssignStmt)
	if !ok {
		return false
	}
	for _, rhs := range a.Rhs {
		if f.mentions(rhs, obj) {
			return false
		}
	}
	for _, lhs := range a.Lhs {
		if ident, ok := lhs.(*ast.Ident); !ok && f.mentions(lhs, obj) || ok && f.info.Defs[ident] == obj {
			return ok
		}
	}
	return true
}

// forgetReached forgets what is known of what can be reached from a variable that a call was given.
func (f *flow) forgetReached(st *state, e ast.Expr, except map[key]bool) {
	if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && u.Op == token.AND {
		e = u.X
	}
	k, ok := f.key(e)
	if !ok {
		return
	}
	for other := range maps.Clone(st.env) {
		below := other.root == k.root && len(other.path) > len(k.path) && strings.HasPrefix(other.path, k.path)
		if below && !except[other] {
			delete(st.env, other)
		}
	}
}
