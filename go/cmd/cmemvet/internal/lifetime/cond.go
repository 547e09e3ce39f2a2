package lifetime

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// assume evaluates a condition and goes on with what is known where it is true, or false. It
// returns no state where that contradicts what is known already, and several where it may be so for
// several reasons.
func (f *flow) assume(st *state, e ast.Expr, truth bool) []*state {
	e = ast.Unparen(e)
	if tv := f.info.Types[e]; tv.Value != nil && tv.Value.Kind() == constant.Bool {
		if constant.BoolVal(tv.Value) != truth {
			return nil
		}
		return []*state{st}
	}
	switch e := e.(type) {
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			return f.assume(st, e.X, !truth)
		}
	case *ast.BinaryExpr:
		switch e.Op {
		case token.LAND, token.LOR:
			// X && Y is true where both are, X || Y is false where neither is true; else X alone
			// decides, or Y after it.
			decides := e.Op == token.LOR
			var out []*state
			if truth == decides {
				out = f.assume(st.clone(), e.X, decides)
			}
			for _, s := range f.assume(st, e.X, !decides) {
				out = append(out, f.assume(s, e.Y, truth)...)
			}
			return out
		case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			return f.assumeCompared(st, e.X, e.Op, e.Y, truth)
		}
	case *ast.CallExpr:
		return f.assumeCall(st, e, truth)
	}
	v := f.eval(st, e)
	if v.kind == verdict {
		f.judge(st, v, truth, true)
	}
	return f.record(st, e, truth)
}

// record notes that a bool is true or false.
func (f *flow) record(st *state, e ast.Expr, truth bool) []*state {
	text, heap, ok := f.canon(e)
	if !ok || heap && f.inLoopHead {
		return []*state{st}
	}
	return f.note(st, text, truth)
}

func (f *flow) note(st *state, text string, truth bool) []*state {
	if known, ok := st.atoms[text]; ok && known != truth {
		return nil
	}
	st.atoms[text] = truth
	return []*state{st}
}

func (f *flow) assumeCall(st *state, call *ast.CallExpr, truth bool) []*state {
	fn := f.callee(call)
	vs := f.call(st, call)
	var v value
	if len(vs) > 0 {
		v = vs[0]
	}
	switch {
	case v.kind == verdict:
		f.judge(st, v, truth, true)
	case fn == nil || len(call.Args) == 0:
	case f.roleOf(fn) == asksOwner:
		if k, ok := f.key(call.Args[0]); ok {
			if v := st.env[k]; st.of(v) != nil {
				if !truth {
					st.change(v.res).status = gone
				}
				v.place = start
				st.env[k] = v
			}
		}
	case fn.Pkg() != nil && fn.Pkg().Path() == "errors" && truth:
		if v := f.eval(st, call.Args[0]); v.kind == verdict {
			f.judge(st, v, false, false)
		}
	}
	return []*state{st}
}

// assumeCompared evaluates x op y, and goes on as assume does.
func (f *flow) assumeCompared(st *state, x ast.Expr, op token.Token, y ast.Expr, truth bool) []*state {
	vx, vy := f.eval(st, x), f.eval(st, y)
	switch op {
	case token.NEQ:
		op, truth = token.EQL, !truth
	case token.GTR:
		x, y, vx, vy, op = y, x, vy, vx, token.LSS
	case token.LEQ:
		x, y, vx, vy, op, truth = y, x, vy, vx, token.LSS, !truth
	case token.GEQ:
		op, truth = token.LSS, !truth
	}
	if op == token.EQL && (f.isNil(x) || f.info.Types[x].Value != nil) {
		x, y, vx, vy = y, x, vy, vx
	}
	f.noteSize(st, x)
	f.noteSize(st, y)
	if op == token.EQL {
		switch {
		case vx.kind == verdict && f.isNil(y):
			f.judge(st, vx, truth, false)
		case vx.kind == verdict && f.info.Types[y].Value != nil && f.info.Types[y].Value.Kind() == constant.Bool:
			f.judge(st, vx, constant.BoolVal(f.info.Types[y].Value) == truth, true)
		case vx.kind == verdict && truth && isError(f.info.TypeOf(y)):
			f.judge(st, vx, false, false) // err == io.EOF
		case vx.kind == ref && f.isNil(y) && truth:
			f.absent(st, vx)
		}
	}
	if arg := f.lenOf(x); arg != nil && f.isZero(y) && op == token.EQL && truth {
		f.absent(st, f.eval(st, arg)) // len(b) == 0
	}
	if arg := f.lenOf(y); arg != nil && f.isZero(x) && op == token.LSS && !truth {
		f.absent(st, f.eval(st, arg)) // !(0 < len(b))
	}
	a, heapA, okA := f.canon(x)
	b, heapB, okB := f.canon(y)
	if !okA || !okB || (heapA || heapB) && f.inLoopHead {
		return []*state{st}
	}
	if known, ok := f.compareKnown(st, a, op, b, f.info.Types[x].Value, f.info.Types[y].Value, f.isNil(y)); ok {
		if known != truth {
			return nil
		}
		return []*state{st}
	}
	return f.note(st, a+op.String()+b, truth)
}

// compareKnown compares with a constant a variable that is known to be one.
func (f *flow) compareKnown(
	st *state, a string, op token.Token, b string, ca, cb constant.Value, isNil bool,
) (result, ok bool) {
	at := func(text string) constant.Value {
		return f.constants[equalTo(st, text)]
	}
	switch {
	case isNil:
		known, ok := st.atoms[a+"==nil"]
		return known, ok
	case ca == nil && cb != nil:
		ca = at(a)
	case ca != nil && cb == nil:
		cb = at(b)
	}
	if ca == nil || cb == nil || ca.Kind() != cb.Kind() {
		return false, false
	}
	return constant.Compare(ca, op, cb), true
}

// equalTo is the constant, as text, that a variable is known to be equal to.
func equalTo(st *state, text string) string {
	for a, truth := range st.atoms {
		if rest, ok := strings.CutPrefix(a, text+"=="); ok && truth && rest != "nil" {
			return rest
		}
	}
	return ""
}

// judge goes on with the knowledge that a call was successful, or that it was not.
func (f *flow) judge(st *state, v value, ok, isBool bool) {
	if r := st.res[v.res]; r != nil && r.pending {
		r = st.change(v.res)
		r.pending = false
		if !ok {
			r.status, r.owned = gone, false
		}
	}
	for i, r := range st.res {
		for j, k := range r.keepers {
			if k.call == v.call && (isBool || !ok) {
				st.change(i).keepers[j].judged = true
			}
		}
	}
}

// absent goes on with the knowledge that there is no resource, or one that need not be freed.
func (f *flow) absent(st *state, v value) {
	if r := st.of(v); r != nil && v.place == start && r.status == live {
		r = st.change(v.res)
		r.status, r.owned = gone, false
	}
}

// noteSize notes that a condition is about the size of a resource: cap(b), x.Cap(), cap(x.buf).
func (f *flow) noteSize(st *state, e ast.Expr) {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return
	}
	arg := f.lenOf(call)
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && len(call.Args) == 0 {
		switch sel.Sel.Name {
		case "Cap", "Len", "Size":
			arg = sel.X
		}
	}
	for arg != nil {
		if k, ok := f.key(arg); ok {
			if v := st.env[k]; st.of(v) != nil {
				st.change(v.res).sized = true
				return
			}
		}
		switch e := ast.Unparen(arg).(type) {
		case *ast.SelectorExpr:
			arg = e.X
		case *ast.StarExpr:
			arg = e.X
		default:
			return
		}
	}
}

// lenOf is b in len(b) and cap(b), else nil.
func (f *flow) lenOf(e ast.Expr) ast.Expr {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return nil
	}
	if name := f.builtin(call); name == "len" || name == "cap" {
		return call.Args[0]
	}
	return nil
}

func (f *flow) isZero(e ast.Expr) bool {
	v := f.info.Types[e].Value
	return v != nil && v.Kind() == constant.Int && constant.Sign(v) == 0
}

func (f *flow) isNil(e ast.Expr) bool { return f.info.Types[e].IsNil() }

func isError(t types.Type) bool {
	return t != nil && types.Identical(t, types.Universe.Lookup("error").Type())
}

func isBool(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsBoolean != 0
}

// canon is an expression as a text that is the same for equal ones, as long as no variable in it
// changes. heap tells that it may change otherwise; ok that there is such a text.
func (f *flow) canon(e ast.Expr) (text string, heap, ok bool) {
	e = ast.Unparen(e)
	tv := f.info.Types[e]
	switch {
	case tv.IsNil():
		return "nil", false, true
	case tv.Value != nil:
		text = tv.Value.ExactString()
		f.constants[text] = tv.Value
		return text, false, true
	}
	switch e := e.(type) {
	case *ast.Ident:
		k, ok := f.key(e)
		if !ok {
			return "", false, false
		}
		return "#" + strconv.Itoa(k.root) + ";", f.isGlobal(f.objs[k.root]), true
	case *ast.SelectorExpr:
		if k, ok := f.key(e); ok {
			return "#" + strconv.Itoa(k.root) + ";" + k.path, true, true
		}
	case *ast.CallExpr:
		if arg := f.lenOf(e); arg != nil {
			text, heap, ok = f.canon(arg)
			return f.builtin(e) + "(" + text + ")", heap, ok
		}
	case *ast.BinaryExpr:
		a, heapA, okA := f.canon(e.X)
		b, heapB, okB := f.canon(e.Y)
		return "(" + a + e.Op.String() + b + ")", heapA || heapB, okA && okB
	}
	return "", false, false
}

// key names what an expression denotes, if it is a variable or is reached from one.
func (f *flow) key(e ast.Expr) (k key, ok bool) {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		obj, isVar := f.info.ObjectOf(e).(*types.Var)
		if !isVar || f.shared[obj] {
			return key{}, false
		}
		return key{root: f.number(obj)}, true
	case *ast.SelectorExpr:
		if s := f.info.Selections[e]; s != nil && s.Kind() == types.FieldVal {
			k, ok = f.key(e.X)
			k.path += "." + e.Sel.Name
			return k, ok && !f.foreign[f.objs[k.root]]
		}
		if obj, isVar := f.info.ObjectOf(e.Sel).(*types.Var); isVar && f.info.Selections[e] == nil {
			return key{root: f.number(obj)}, true
		}
	case *ast.StarExpr:
		k, ok = f.key(e.X)
		k.path += "*"
		return k, ok && !f.foreign[f.objs[k.root]]
	case *ast.IndexExpr:
		k, ok = f.key(e.X)
		index, _, okIndex := f.canon(e.Index)
		k.path += "[" + index + "]"
		return k, ok && okIndex
	}
	return key{}, false
}

// number is the number that stands for a variable in keys and atoms.
func (f *flow) number(obj types.Object) int {
	n, ok := f.numbers[obj]
	if !ok {
		n = len(f.objs)
		f.numbers[obj] = n
		f.objs = append(f.objs, obj)
	}
	return n
}

func (f *flow) isGlobal(obj types.Object) bool {
	return obj.Pkg() != nil && obj.Parent() == obj.Pkg().Scope()
}

// isOuter tells whether a variable may be seen by others than the function that is analysed.
func (f *flow) isOuter(obj types.Object) bool {
	return obj.Pos() < f.root.Pos() || f.root.End() < obj.Pos()
}
