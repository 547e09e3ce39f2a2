package lifetime

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A kind is what a resource is.
type kind uint8

const (
	given  kind = iota // of unknown origin: a parameter, a field's value
	block              // a buffer that this function has allocated, or was given to own
	handle             // a cmem.Buffer
	arena              // a cmem.Arena
	pooled             // what sync.Pool.Get returned
)

// A status is what has become of a resource.
type status uint8

const (
	live  status = iota
	freed        // freed, put or released
	gone         // not known any more, or of no interest: nothing is reported
)

// A place tells where in a resource a value points.
type place uint8

const (
	start  place = iota
	inside       // a slice that may begin behind the start
	moved        // what append returned: the resource, or memory of Go's
	view         // bytes that a handle, an arena or a pooled object has lent
	stale        // such bytes after the arena's Reset
)

// An id names a resource: by the expression that made it, in this iteration or in the one before.
type id struct {
	pos token.Pos
	old bool
}

// A resource is something with a lifetime.
type resource struct {
	kind    kind
	status  status
	name    string    // the variable that had it first
	owned   bool      // this function is to free it, or to pass that on
	local   bool      // this function has made it
	pending bool      // it is there only if the error, or bool, that came with it says so
	escaped bool      // somebody else has it, or may have it
	sized   bool      // its size was asked for in a condition
	bound   token.Pos // of the defer statement that frees it
	freedAt token.Pos
	freedBy string
	kept    token.Pos // where bytes that it has lent went where they outlive the function
	keepers []keeper
	param   int // of the function, from 1; 0: none
}

// lends tells whether the resource is one that has others use its bytes.
func (r *resource) lends() bool { return r.kind == handle || r.kind == arena }

// A keeper is a call that may have kept the resource.
type keeper struct {
	call   token.Pos
	judged bool // the path depends on what the call returned: it may have kept the resource on this path only
}

type valueKind uint8

const (
	nothing valueKind = iota
	ref               // a resource, or a part of one
	verdict           // an error or a bool that tells whether the resource that came with it exists
	closure           // a function literal
	holder            // a composite literal with values in it, or a pointer to one
)

// A value is what is known of a variable or an expression.
type value struct {
	kind  valueKind
	res   id
	place place
	at    token.Pos // where it was resliced, appended to, lent or taken back
	call  token.Pos // verdict: the call
	lit   *ast.FuncLit
	parts []value // of a holder
	fresh bool    // a call has just returned it
}

// A key names a variable, or what is reached from it: ".f", "*", "[#3;]".
type key struct {
	root int
	path string
}

// A deferred is a deferred call that has been reached.
type deferred struct {
	stmt *ast.DeferStmt
	args []value // with the receiver first, if there is one
}

// A state is what is known where control is.
type state struct {
	env    map[key]value
	res    map[id]*resource // resources are copied on write
	atoms  map[string]bool  // conditions that hold or do not
	defers []deferred
}

func newState() *state {
	return &state{map[key]value{}, map[id]*resource{}, map[string]bool{}, nil}
}

func (st *state) clone() *state {
	return &state{maps.Clone(st.env), maps.Clone(st.res), maps.Clone(st.atoms), slices.Clone(st.defers)}
}

// change returns the resource, to be changed.
func (st *state) change(i id) *resource {
	r := *st.res[i]
	r.keepers = slices.Clone(r.keepers)
	st.res[i] = &r
	return &r
}

// of is the resource of a value; nil where it has none.
func (st *state) of(v value) *resource {
	if v.kind != ref {
		return nil
	}
	return st.res[v.res]
}

// core is all of the state but the atoms, as a string.
func (st *state) core() string {
	text := make([]byte, 0, 1024)
	number := func(n int) { text = append(strconv.AppendInt(text, int64(n), 36), ' ') }
	flag := func(b bool) { text = append(text, "ft"[btoi(b)]) }
	var write func(v value)
	write = func(v value) {
		number(int(v.kind))
		number(int(v.res.pos))
		flag(v.res.old)
		number(int(v.place))
		number(int(v.call))
		if v.lit != nil {
			number(int(v.lit.Pos()))
		}
		for _, part := range v.parts {
			write(part)
		}
	}
	keys := slices.SortedFunc(maps.Keys(st.env), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.root, b.root), strings.Compare(a.path, b.path))
	})
	for _, k := range keys {
		number(k.root)
		text = append(append(text, k.path...), '=')
		write(st.env[k])
	}
	ids := slices.SortedFunc(maps.Keys(st.res), func(a, b id) int {
		return cmp.Or(cmp.Compare(a.pos, b.pos), cmp.Compare(btoi(a.old), btoi(b.old)))
	})
	for _, i := range ids {
		r := st.res[i]
		number(int(i.pos))
		for _, b := range []bool{i.old, r.owned, r.pending, r.escaped, r.sized} {
			flag(b)
		}
		number(int(r.status))
		number(int(r.bound))
		number(int(r.freedAt))
		number(int(r.kept))
		for _, k := range r.keepers {
			number(int(k.call))
			flag(k.judged)
		}
		text = append(text, ';')
	}
	for _, d := range st.defers {
		number(int(d.stmt.Pos()))
		for _, v := range d.args {
			write(v)
		}
	}
	return string(text)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// refers tells whether a variable or a deferred call has the resource; as other than lent bytes.
func (st *state) refers(i id) bool {
	for _, v := range st.env {
		if v.kind == ref && v.res == i && v.place != view && v.place != stale {
			return true
		}
	}
	for _, d := range st.defers {
		for _, v := range d.args {
			if v.kind == ref && v.res == i {
				return true
			}
		}
	}
	return false
}

// replace has all values of one resource be of another, or of none.
func (st *state) replace(from, to id, keep bool) {
	for k, v := range st.env {
		for _, part := range v.parts {
			if part.res == from {
				delete(st.env, k)
			}
		}
		if v.kind != nothing && v.res == from && v.res.pos != token.NoPos {
			if v.res = to; keep {
				st.env[k] = v
			} else {
				delete(st.env, k)
			}
		}
	}
	for i, d := range st.defers {
		args := slices.Clone(d.args)
		for j, v := range args {
			if v.kind != nothing && v.res == from {
				if v.res = to; !keep {
					v = value{}
				}
				args[j] = v
			}
		}
		st.defers[i].args = args
	}
}

// create makes a resource. One that the same expression has made before becomes the old one.
func (st *state) create(pos token.Pos, r resource) value {
	now, before := id{pos, false}, id{pos, true}
	if st.res[now] != nil {
		st.replace(before, id{}, false)
		st.replace(now, before, true)
		st.res[before] = st.res[now]
	}
	st.res[now] = &r
	return value{kind: ref, res: now, fresh: true}
}

// forget drops what is known of a variable and of what is reached from it.
func (st *state) forget(k key) {
	token := fmt.Sprintf("#%d;", k.root)
	for other := range st.env {
		if other.root == k.root && strings.HasPrefix(other.path, k.path) ||
			k.path == "" && strings.Contains(other.path, token) {
			delete(st.env, other)
		}
	}
	st.forgetAtoms(token + k.path)
}

func (st *state) forgetAtoms(text string) {
	for a := range st.atoms {
		if strings.Contains(a, text) {
			delete(st.atoms, a)
		}
	}
}
