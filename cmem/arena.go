package cmem

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// An Arena is memory for one request: many small buffers, taken one after the other in a few
// nanoseconds each, and all freed at once. It is a handle, as Buffer is: a small value to copy
// freely; all copies are the same arena, Free of one frees it for all, and an arena whose every
// copy is lost is freed by the collector. The zero value is no arena: its Alloc panics.
//
// One goroutine at a time may use an arena. THE HANDLE KEEPS THE BUFFERS ALIVE, a slice does not;
// and Reset and Free end the life of every buffer at once.
type Arena struct {
	o   *arenaOwner
	gen uint64 // what o.gen was when this arena was made
}

// An arenaOwner is the Go object that copies of an Arena share; the cleanup hangs on it, once in
// its life, as on a Buffer's owner. What Alloc needs is in it, the rest behind mem.
type arenaOwner struct {
	gen  atomic.Uint64  // odd while the arena is live
	base unsafe.Pointer // the chunk in use
	size int            // its bytes
	at   int            // where its free bytes begin
	used int            // bytes handed out, without padding
	mem  *arenaMem
}

// arenaMem is what the cleanup needs: the memory. An arena that was freed has none.
type arenaMem struct {
	chunks []ownedMem // the newest last
	large  []ownedMem // buffers of their own
	first  int        // bytes of the first chunk
	little int        // for how many lives in a row that was too much
}

const (
	arenaAlign = 16
	// The first chunk is kept through Reset. It becomes twice as large where a life needed another, up
	// to a limit, and half as large where arenaPatience lives in a row used less than a quarter of it.
	// Each further chunk of a life is twice as large as the one before, up to the limit: so that waste
	// is bounded by what is used.
	arenaFirst    = 8 << 10
	arenaMost     = 256 << 10
	arenaPatience = 16
)

// arenaOwners holds the owners without an arena.
var arenaOwners sync.Pool

// NewArena returns an empty arena. It takes memory with the first Alloc.
func NewArena() Arena {
	o, _ := arenaOwners.Get().(*arenaOwner)
	if o == nil {
		o = &arenaOwner{mem: &arenaMem{first: arenaFirst}}
		runtime.AddCleanup(o, (*arenaMem).lost, o.mem)
	}
	return Arena{o, o.gen.Add(1)}
}

// owner is the arena's owner; it panics with a *MisuseError where the arena was freed.
func (a Arena) owner(fn string) *arenaOwner {
	if a.o == nil {
		panic(&MisuseError{Func: fn, What: "the zero Arena: NewArena makes one"})
	}
	if a.o.gen.Load() != a.gen {
		panic(&MisuseError{Func: fn, What: "the arena was freed"})
	}
	return a.o
}

// Alloc returns a buffer of n bytes, with capacity n, aligned to 16 bytes and not zeroed, that
// lives until Reset or Free of the arena. The arena owns it: it must not go to Free, Realloc or
// Attach of the package, which panic. Alloc panics as the package's Alloc does, and with a
// *MisuseError after Free.
//
//go:nosplit
func (a Arena) Alloc(n int) []byte {
	if o := a.o; o != nil {
		if at := o.at; uint(n)-1 < uint(o.size-at) && o.gen.Load() == a.gen {
			o.at = at + (n+arenaAlign-1)&^(arenaAlign-1) // size at the most: chunks are multiples of the alignment
			o.used += n
			return slice(unsafe.Add(o.base, at), n)
		}
	}
	return a.allocSlow(n)
}

//go:noinline
func (a Arena) allocSlow(n int) []byte {
	o := a.owner("Arena.Alloc")
	if n < 0 {
		panic(sizeError(n))
	}
	if n == 0 {
		return []byte{}
	}
	m := o.mem
	size := m.first
	if k := len(m.chunks); k > 0 {
		size = min(2*m.chunks[k-1].n, arenaMost)
	}
	if n > size/4 { // the rest of the chunk in use is not to be lost for it
		b := m.take(n)
		m.large = append(m.large, b)
		o.used += n
		runtime.KeepAlive(o)
		return slice(b.p, n)
	}
	chunk := m.take(size)
	m.chunks = append(m.chunks, chunk)
	o.use(chunk)
	return a.Alloc(n)
}

// take allocates n bytes for the arena.
func (m *arenaMem) take(n int) ownedMem {
	b := own(alloc(n), n)
	press(n)
	return b
}

// use makes chunk the one in use.
func (o *arenaOwner) use(chunk ownedMem) {
	o.base, o.size, o.at = chunk.p, chunk.n, 0
}

// empty ends the life of all buffers. It keeps the first keep chunks.
func (o *arenaOwner) empty(keep int) {
	if m := o.mem; len(m.chunks) > keep || len(m.large) > 0 {
		unpress(m.drop(keep))
		o.use(ownedMem{})
		if len(m.chunks) > 0 {
			o.use(m.chunks[0])
		}
	}
	o.at, o.used = 0, 0
}

// adapt fits the size of the first chunk to the life that ends, whose last chunk was used up to at.
// It returns how many of the chunks are worth keeping: the first, if it has that size.
func (m *arenaMem) adapt(at int) (keep int) {
	switch {
	case len(m.chunks) > 1:
		m.first = min(2*m.first, arenaMost)
		m.little = 0
	case at > m.first/4 || m.first == arenaFirst:
		m.little = 0
	case m.little < arenaPatience-1:
		m.little++
	default:
		m.first /= 2
		m.little = 0
	}
	if len(m.chunks) > 0 && m.chunks[0].n == m.first {
		return 1
	}
	return 0
}

// drop frees all but the first keep chunks, and returns the bytes, which pressed on the collector.
func (m *arenaMem) drop(keep int) (bytes int) {
	m.large, bytes = freeFrom(m.large, 0)
	chunks, more := freeFrom(m.chunks, keep)
	m.chunks = chunks
	return bytes + more
}

// freeFrom frees bufs[i:], and returns the rest and the bytes that were freed.
func freeFrom(bufs []ownedMem, i int) (rest []ownedMem, bytes int) {
	for _, b := range bufs[i:] {
		bytes += b.n
		b.free("Arena.Free")
	}
	clear(bufs[i:])
	return bufs[:i], bytes
}

// Len is the number of bytes that the arena has handed out since it was made or reset.
func (a Arena) Len() int { return a.owner("Arena.Len").used }

// Reset frees all buffers of the arena, and makes it empty for another use. It panics with a
// *MisuseError after Free.
func (a Arena) Reset() {
	o := a.owner("Arena.Reset")
	o.empty(o.mem.adapt(o.at))
	runtime.KeepAlive(a.o)
}

// Free frees the arena and all of its buffers. A second Free, of any copy, does nothing, and so
// does Free of the zero Arena.
func (a Arena) Free() {
	if a.o == nil {
		return
	}
	if a.o.gen.CompareAndSwap(a.gen, a.gen+1) {
		a.o.empty(0) // the first chunk too: an owner without an arena holds nothing that would count as a leak
		a.o.mem.first, a.o.mem.little = arenaFirst, 0
		arenaOwners.Put(a.o)
	}
}

// lost is the cleanup: every handle of the owner is gone.
func (m *arenaMem) lost() {
	if n := m.drop(0); n > 0 {
		countNetFreed(n)
		unpressCollected(n)
	}
}
