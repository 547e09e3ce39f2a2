package lifetime

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"slices"
)

var zero = constant.MakeInt64(0)

// call goes through a call, and returns what is known of its results.
func (f *flow) call(st *state, call *ast.CallExpr) []value {
	if tv := f.info.Types[call.Fun]; tv.IsType() {
		return f.convert(st, call, tv.Type)
	}
	if f.literal(call) != nil {
		return nil // closures has gone through it
	}
	if name := f.builtin(call); name != "" {
		return f.callBuiltin(st, call, name)
	}
	fn := f.callee(call)
	if _, isSel := ast.Unparen(call.Fun).(*ast.SelectorExpr); fn == nil || !isSel {
		if _, isIdent := ast.Unparen(call.Fun).(*ast.Ident); !isIdent && !isSel {
			f.eval(st, call.Fun)
		}
	}
	if fn == nil {
		if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok { // a field that is a function
			f.eval(st, sel)
		}
	}
	switch f.roleOf(fn) {
	case allocates:
		f.evalAll(st, call.Args)
		return f.made(st, call, []value{st.create(call.Pos(), resource{kind: block, owned: true, local: true})})
	case makesHandle:
		f.evalAll(st, call.Args)
		k := handle
		if fn.Name() == "NewArena" {
			k = arena
		}
		return []value{st.create(call.Pos(), resource{kind: k, local: true})}
	case getsFromPool:
		f.evalAll(st, f.operands(call))
		return []value{st.create(call.Pos(), resource{kind: pooled, local: true})}
	case frees:
		f.free(st, call.Args[0], fn.Name())
		return nil
	case putsToPool:
		f.eval(st, f.operands(call)[0])
		f.put(st, call)
		return nil
	case reallocates:
		return f.realloc(st, call)
	case attaches:
		v := f.known(st, call.Args[1])
		f.eval(st, call.Args[0])
		if f.isStart(st, v, call.Args[1], "attached") {
			f.use(st, v, call.Args[1], "attached")
			st.change(v.res).escaped = true
		}
		return nil
	case inspects:
		v := f.eval(st, call.Args[0])
		f.use(st, v, call.Args[0], "used")
		return nil
	case asksOwner:
		f.eval(st, call.Args[0])
		return nil
	case lends, uses, resetsViews, releases:
		return f.callHandle(st, call, fn)
	case wraps:
		var out value
		for _, e := range call.Args {
			v := f.eval(st, e)
			f.use(st, v, e, "used")
			if out.kind == nothing && v.kind == ref {
				if out = v; out.place == start {
					out.place, out.at = inside, call.Pos()
				}
			} else {
				f.escape(st, v, e.Pos())
			}
		}
		out.fresh = false
		return []value{out}
	case readsBuffer, changesNothing:
		recv := f.operands(call)[0]
		v := f.eval(st, recv)
		f.use(st, v, recv, "used")
		f.evalAll(st, call.Args)
		r := st.of(v)
		if r != nil && f.roleOf(fn) == readsBuffer && (r.kind == pooled || r.param > 0) && r.status != gone {
			return []value{{kind: ref, res: v.res, place: view, at: call.Pos()}}
		}
		return nil
	}
	return f.callOther(st, call, fn)
}

func (f *flow) evalAll(st *state, list []ast.Expr) {
	for _, e := range list {
		f.eval(st, e)
	}
}

// made returns the results of a call that has made resources: these are there only if the error, or
// bool, that comes with them says so.
func (f *flow) made(st *state, call *ast.CallExpr, values []value) []value {
	tuple, ok := f.info.TypeOf(call).(*types.Tuple)
	if !ok || tuple.Len() == 0 {
		return values
	}
	last := tuple.At(tuple.Len() - 1).Type()
	if !isError(last) && !isBool(last) {
		return values
	}
	out := make([]value, tuple.Len())
	copy(out, values)
	v := value{kind: verdict, call: call.Pos()}
	for _, w := range values {
		if r := st.of(w); r != nil && w.fresh && r.owned {
			st.change(w.res).pending = !f.ignored[call]
			v.res = w.res
		}
	}
	out[len(out)-1] = v
	return out
}

func (f *flow) convert(st *state, call *ast.CallExpr, to types.Type) []value {
	if len(call.Args) != 1 {
		return nil
	}
	v := f.eval(st, call.Args[0])
	if b, ok := to.Underlying().(*types.Basic); ok && b.Kind() != types.UnsafePointer {
		f.use(st, v, call.Args[0], "used")
		return nil
	}
	return []value{v}
}

func (f *flow) callBuiltin(st *state, call *ast.CallExpr, name string) []value {
	switch name {
	case "len", "cap", "make", "new", "Sizeof", "Alignof", "Offsetof":
		f.evalAll(st, call.Args)
		return nil
	case "append":
		return f.append(st, call)
	case "Slice", "SliceData", "String", "StringData", "Add":
		v := f.eval(st, call.Args[0])
		f.evalAll(st, call.Args[1:])
		if name == "Add" && v.place == start && !f.isZero(call.Args[1]) {
			v.place, v.at = inside, call.Pos()
		}
		return []value{v}
	}
	for _, e := range call.Args {
		if f.info.Types[e].IsType() {
			continue
		}
		v := f.eval(st, e)
		f.use(st, v, e, "used")
	}
	return nil
}

func (f *flow) append(st *state, call *ast.CallExpr) []value {
	v := f.eval(st, call.Args[0])
	f.use(st, v, call.Args[0], "used")
	for _, e := range call.Args[1:] {
		w := f.eval(st, e)
		f.use(st, w, e, "used")
		if !call.Ellipsis.IsValid() {
			f.escape(st, w, e.Pos())
		}
	}
	if s, ok := ast.Unparen(call.Args[0]).(*ast.SliceExpr); ok && s.Slice3 {
		return nil // the capacity is that of the slice, as a rule: it is copied
	}
	if v.kind == ref && v.place == start && len(call.Args) > 1 && !f.fits(st, call.Args[0]) {
		v.place, v.at = moved, call.Pos()
	}
	return []value{v}
}

// fits tells whether a condition has asked for the capacity of what is appended to.
func (f *flow) fits(st *state, e ast.Expr) bool {
	for {
		if s, ok := ast.Unparen(e).(*ast.SliceExpr); ok {
			e = s.X
			continue
		}
		break
	}
	text, _, ok := f.canon(e)
	return ok && f.capAsked[text]
}

// isStart reports a slice that is freed, reallocated or attached, and does not start where its
// buffer does.
func (f *flow) isStart(st *state, v value, e ast.Expr, done string) bool {
	r := st.of(v)
	if r == nil || r.status == gone {
		return false
	}
	switch {
	case v.place == view && r.lends():
		f.report(e.Pos(), outlives, "%s is %s, though it belongs to %s, whose Free frees it", f.nameOf(e, r), done,
			map[kind]string{handle: "a handle", arena: "an arena"}[r.kind])
	case v.place == inside:
		f.report(e.Pos(), resliced, "%s is %s, and may not start where its buffer does (resliced at %s)", f.nameOf(e, r),
			done, f.line(v.at, e.Pos()))
	case v.place == moved:
		f.report(e.Pos(), appended, "%s is %s after append at %s may have moved it", f.nameOf(e, r), done,
			f.line(v.at, e.Pos()))
	default:
		return true
	}
	st.change(v.res).status = gone
	return false
}

// mayGive reports a value that is freed although it is free, will be, or is not to be freed. It
// tells whether it is right.
func (f *flow) mayGive(st *state, v value, e ast.Expr, by string) bool {
	r := st.of(v)
	if r == nil || r.status == gone {
		return false
	}
	if by != "Put" && !f.isStart(st, v, e, "freed") {
		return false
	}
	if r.status == freed || r.bound.IsValid() {
		f.reportTwice(e, r, by)
		st.change(v.res).status = gone
		return false
	}
	return true
}

// give frees a value.
func (f *flow) give(st *state, v value, e ast.Expr, by string) {
	if !f.mayGive(st, v, e, by) {
		return
	}
	r := st.change(v.res)
	r.status, r.freedAt, r.freedBy = freed, e.Pos(), by
	f.vouch(v.res, r)
}

func (f *flow) free(st *state, e ast.Expr, by string) {
	v := f.knownBase(st, e)
	f.give(st, v, e, by)
}

// knownBase is known of a variable, or of a slice of it.
func (f *flow) knownBase(st *state, e ast.Expr) value {
	if s, ok := ast.Unparen(e).(*ast.SliceExpr); ok {
		f.knownBase(st, s.X)
		return f.eval(st, s)
	}
	if c, ok := ast.Unparen(e).(*ast.CallExpr); ok && len(c.Args) == 1 && f.info.Types[c.Fun].IsType() {
		f.knownBase(st, c.Args[0])
	}
	return f.known(st, e)
}

func (f *flow) put(st *state, call *ast.CallExpr) {
	e := call.Args[0]
	x := ast.Unparen(e)
	if u, ok := x.(*ast.UnaryExpr); ok && u.Op == token.AND { // the variable goes to the pool
		if ident, ok := ast.Unparen(u.X).(*ast.Ident); ok {
			x = ident
		}
	}
	v := f.knownBase(st, x)
	if v.place == view || v.place == stale {
		return
	}
	f.give(st, v, x, "Put")
}

func (f *flow) realloc(st *state, call *ast.CallExpr) []value {
	e := call.Args[0]
	v := f.knownBase(st, e)
	f.eval(st, call.Args[1])
	r := st.of(v)
	made := resource{kind: block, owned: true, local: true}
	if f.isZero(call.Args[1]) {
		made.owned = false
	}
	if r != nil {
		switch {
		case r.status == freed:
			f.use(st, v, e, "used")
			made.owned = false
		case r.status == gone:
			made.owned = false
		case r.bound.IsValid() && v.place == start:
			f.report(e.Pos(), boundEarly, "%s is taken over by Realloc, and the deferred Free at %s is bound to it",
				f.nameOf(e, r), f.line(r.bound, e.Pos()))
			st.change(v.res).status = gone
			made.owned = false
		case f.isStart(st, v, e, "reallocated"):
			made.name = r.name
			r := st.change(v.res)
			r.status, r.freedAt, r.freedBy = freed, call.Pos(), "Realloc"
			f.vouch(v.res, r)
			made.owned = made.owned && !r.escaped // a block that stays is attached still
		default:
			made.owned = false
		}
	}
	return []value{st.create(call.Pos(), made)}
}

// callHandle goes through a call of a method of a handle or an arena.
func (f *flow) callHandle(st *state, call *ast.CallExpr, fn *types.Func) []value {
	recv := f.operands(call)[0]
	v := f.known(st, recv)
	f.evalAll(st, call.Args)
	r := st.of(v)
	if r == nil {
		return nil
	}
	if v.fresh && f.roleOf(fn) == lends {
		if f.dropped == call {
			return nil
		}
		f.report(call.Pos(), outlives, "the handle is lost here: nothing keeps the bytes that it lends")
		return nil
	}
	switch f.roleOf(fn) {
	case releases:
		if r.status == live {
			r := st.change(v.res)
			r.status, r.freedAt, r.freedBy = freed, call.Pos(), "Free"
		}
		return nil
	case resetsViews:
		f.use(st, v, recv, "used")
		for k, other := range st.env {
			if other.kind == ref && other.res == v.res && other.place == view {
				other.place, other.at = stale, call.Pos()
				st.env[k] = other
			}
		}
		return nil
	case lends:
		f.use(st, v, recv, "used")
		if st.of(v).status != live {
			return nil
		}
		return []value{{kind: ref, res: v.res, place: view, at: call.Pos()}}
	}
	f.use(st, v, recv, "used")
	return nil
}

// callOther goes through a call of a function that is none of the table's.
func (f *flow) callOther(st *state, call *ast.CallExpr, fn *types.Func) []value {
	operands := f.operands(call)
	values := make([]value, len(operands))
	kept := false
	if fn != nil && testFails(fn) {
		for i, r := range st.res {
			if r.owned && !r.escaped {
				st.change(i).escaped = true // what a test leaves behind that has failed is of no interest
			}
		}
	}
	for i, e := range operands {
		gives := f.givesBack(fn, i)
		if gives != never {
			values[i] = f.known(st, e)
			continue
		}
		v := f.eval(st, e)
		values[i] = v
		isReceiver := len(operands) > len(call.Args) && i == 0
		if (fn == nil || fn.FullName() != "runtime.KeepAlive") && !(v.kind == holder && isReceiver) {
			f.use(st, v, e, "used")
		}
		if v.kind == holder {
			if k, ok := f.key(e); ok {
				delete(st.env, k)
			}
		}
		if v.kind == closure {
			f.captured(st, v.lit)
		}
		if fn != nil && (f.roleOf(fn) == borrows || f.borrowed(fn, i)) || fn != nil && i == 0 && appends(fn) {
			continue
		}
		if st.of(v) != nil {
			kept = true
			f.keep(st, v, call)
		}
		if fn == nil || f.roleOf(fn) != borrows {
			f.forgetReached(st, e, f.fieldKeys(fn, i, e))
			f.forgetViews(st, v)
		}
	}
	for i, e := range operands {
		switch f.givesBack(fn, i) {
		case always:
			f.give(st, values[i], e, f.verb(fn, i))
		case sometimes:
			if r := st.of(values[i]); r != nil {
				st.change(values[i].res).status = gone
			}
		}
	}
	f.freeFields(st, fn, operands)
	f.forgetGlobals(st, fn)
	return f.outcome(st, call, fn, values, kept)
}

// fieldKeys are the fields of an operand that the function frees.
func (f *flow) fieldKeys(fn *types.Func, i int, e ast.Expr) map[key]bool {
	s := f.summaryIf(fn)
	if s == nil || i >= len(s.Params) {
		return nil
	}
	keys := map[key]bool{}
	if k, ok := f.key(e); ok {
		for _, field := range s.Params[i].Fields {
			keys[key{k.root, k.path + field.Path}] = true
		}
	}
	return keys
}

// freeFields frees the fields of operands that a function frees.
func (f *flow) freeFields(st *state, fn *types.Func, operands []ast.Expr) {
	s := f.summaryIf(fn)
	if s == nil {
		return
	}
	for i, e := range operands {
		if i >= len(s.Params) || len(s.Params[i].Fields) == 0 {
			continue
		}
		if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && u.Op == token.AND {
			e = u.X
		}
		k, ok := f.key(e)
		if !ok || f.foreign[f.objs[k.root]] {
			continue
		}
		for j, field := range s.Params[i].Fields {
			at := key{k.root, k.path + field.Path}
			v := st.env[at]
			if st.of(v) == nil {
				v = st.create(e.Pos()+token.Pos(j), resource{kind: given, name: types.ExprString(e) + field.Path})
				v.fresh = false
				st.env[at] = v
			}
			f.give(st, v, e, fn.Name())
		}
	}
}

// testFails tells whether a function has a test fail and go on.
func testFails(fn *types.Func) bool {
	fails := []string{"Error", "Errorf", "Fail"}
	return fn.Pkg() != nil && fn.Pkg().Path() == "testing" && slices.Contains(fails, fn.Name())
}

// forgetViews forgets what a pooled object has lent before a call that may have it lend something
// else.
func (f *flow) forgetViews(st *state, v value) {
	if r := st.of(v); r != nil && v.place == start && (r.kind == pooled || r.kind == given) {
		for k, other := range maps.Clone(st.env) {
			if other.kind == ref && other.res == v.res && other.place == view {
				delete(st.env, k)
			}
		}
	}
}

// forgetGlobals forgets what any function may change: package variables; and where a lock is taken,
// or another goroutine waited for, what is reached by pointers.
func (f *flow) forgetGlobals(st *state, fn *types.Func) {
	if fn != nil && f.roleOf(fn) == borrows {
		return
	}
	waits := fn != nil && (fn.Name() == "Lock" || fn.Name() == "RLock" || fn.Name() == "Wait")
	for k := range maps.Clone(st.env) {
		if f.isGlobal(f.objs[k.root]) || waits && k.path != "" {
			delete(st.env, k)
		}
	}
}

// outcome is what is known of the results of a function that has a summary, or none.
func (f *flow) outcome(st *state, call *ast.CallExpr, fn *types.Func, args []value, kept bool) []value {
	n := 1
	tuple, isTuple := f.info.TypeOf(call).(*types.Tuple)
	if isTuple {
		n = tuple.Len()
	}
	out := make([]value, n)
	if fn != nil && appends(fn) {
		for i, e := range f.operands(call) {
			if len(call.Args) > 0 && e == call.Args[0] && st.of(args[i]) != nil {
				out[0] = args[i]
				if out[0].place == start {
					out[0].place, out[0].at = moved, call.Pos()
				}
			}
		}
	}
	made := 0
	if s := f.summaryIf(fn); s != nil {
		for i, r := range s.Results {
			if i >= n {
				break
			}
			switch {
			case r.Owned:
				res := resource{kind: r.Kind, owned: r.Kind == block, local: true}
				out[i] = st.create(call.Pos()+token.Pos(made), res)
				made++
			case r.Alias > 0 && r.Alias <= len(args) && st.of(args[r.Alias-1]) != nil && out[i].kind == nothing:
				out[i] = args[r.Alias-1]
				out[i].fresh = false
				if out[i].place == start && r.Place != start {
					out[i].place, out[i].at = r.Place, call.Pos()
				}
			}
		}
	}
	if made > 0 {
		return f.made(st, call, out)
	}
	if kept {
		last := f.info.TypeOf(call)
		if isTuple && n > 0 {
			last = tuple.At(n - 1).Type()
		}
		if n > 0 && last != nil && (isError(last) || isBool(last)) && out[n-1].kind == nothing {
			out[n-1] = value{kind: verdict, call: call.Pos()}
		}
	}
	return out
}

func (f *flow) summaryIf(fn *types.Func) *summary {
	if fn == nil {
		return nil
	}
	return f.summaryOf(fn)
}
