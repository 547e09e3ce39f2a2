package lifetime

import (
	"maps"

	"golang.org/x/tools/go/cfg"
)

// A visit is a block that is to be gone through with a state.
type visit struct {
	block *cfg.Block
	st    *state
	core  string
}

// Work is what is to be done of a control-flow graph. Blocks come in an order in which what leads
// to a block comes before it, loops apart: so paths that meet do so before what follows is gone
// through.
type work struct {
	order   map[*cfg.Block]int // reverse postorder
	into    map[*cfg.Block]int // edges
	waiting [][]visit          // by the block's place in that order
	low     int                // there is none before
	// block, core: the atoms that it has been, or will be, gone through with
	seen map[*cfg.Block]map[string]map[string]bool
}

func newWork(g *cfg.CFG) *work {
	w := &work{
		order: map[*cfg.Block]int{}, into: map[*cfg.Block]int{},
		seen: map[*cfg.Block]map[string]map[string]bool{},
	}
	w.waiting = make([][]visit, len(g.Blocks)+1)
	n := len(g.Blocks)
	var walk func(b *cfg.Block)
	walk = func(b *cfg.Block) {
		w.order[b] = -1
		for _, next := range b.Succs {
			w.into[next]++
			if _, ok := w.order[next]; !ok {
				walk(next)
			}
		}
		w.order[b] = n
		n--
	}
	walk(g.Blocks[0])
	return w
}

// add has a block be gone through with a state, unless it has been with one that knows as little.
func (w *work) add(b *cfg.Block, st *state) {
	if w.into[b] < 2 { // no paths meet here
		w.wait(visit{b, st, ""})
		return
	}
	if w.seen[b] == nil {
		w.seen[b] = map[string]map[string]bool{}
	}
	core := st.core()
	atoms, ok := w.seen[b][core]
	if !ok {
		w.seen[b][core] = maps.Clone(st.atoms)
		w.wait(visit{b, st, core})
		return
	}
	// Another path has come here with the same resources. What both know goes on.
	maps.DeleteFunc(st.atoms, func(a string, truth bool) bool { known, ok := atoms[a]; return !ok || known != truth })
	if len(st.atoms) == len(atoms) {
		return
	}
	w.seen[b][core] = maps.Clone(st.atoms)
	for _, v := range w.waiting[w.order[b]] {
		if v.core == core {
			v.st.atoms = st.atoms
			return
		}
	}
	w.wait(visit{b, st, core})
}

func (w *work) wait(v visit) {
	at := w.order[v.block]
	w.waiting[at] = append(w.waiting[at], v)
	w.low = min(w.low, at)
}

// next is the visit that comes next.
func (w *work) next() (visit, bool) {
	for ; w.low < len(w.waiting); w.low++ {
		if list := w.waiting[w.low]; len(list) > 0 {
			w.waiting[w.low] = list[:len(list)-1]
			return list[len(list)-1], true
		}
	}
	return visit{}, false
}
