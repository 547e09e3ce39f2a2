package cmem

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// An Arena is memory for one request: many small buffers, taken one after the other in a few nanoseconds each, and all
// freed at once. It is a handle, as Buffer is: a small value to copy freely; all copies are the same arena, Free of one
// frees it for all, and an arena whose every copy is lost is freed by the collector. The zero value is no arena: its Alloc
// panics.
//
// One goroutine at a time may use an arena. THE HANDLE KEEPS THE BUFFERS ALIVE, a slice does not; and Reset and Free end
// the life of every buffer at once.
type Arena struct {
	o   *arenaOwner
	gen uint64 // what o.mem.gen was when this arena was made
}

// An arenaOwner is the Go object that copies of an Arena share; the cleanup hangs on it, once in its life, as on a Buffer's
// owner.
type arenaOwner struct{ mem *arenaMem }

// arenaMem is what the cleanup needs.
type arenaMem struct {
	gen    atomic.Uint64  // odd while the arena is live
	base   unsafe.Pointer // the chunk in use
	at     int            // where its free bytes begin
	room   int            // and how many there are
	used   int            // bytes handed out, without padding
	chunks [][]byte       // the newest last
	large  [][]byte       // buffers of their own
}

const (
	arenaAlign = 16
	// The first chunk is kept for life, also through Reset; each further one is twice as large as the one before, up to a
	// limit: so that waste is bounded by what is used.
	arenaFirst = 8 << 10
	arenaMost  = 256 << 10
)

// arenaOwners holds the owners without an arena.
var arenaOwners sync.Pool

// NewArena returns an empty arena. It takes memory with the first Alloc.
func NewArena() Arena {
	o, _ := arenaOwners.Get().(*arenaOwner)
	if o == nil {
		o = &arenaOwner{new(arenaMem)}
		runtime.AddCleanup(o, (*arenaMem).lost, o.mem)
	}
	return Arena{o, o.mem.gen.Add(1)}
}

// mem is the arena's memory; it panics with a *MisuseError where the arena was freed.
func (a Arena) mem(fn string) *arenaMem {
	if a.o == nil {
		panic(&MisuseError{Func: fn, What: "the zero Arena: NewArena makes one"})
	}
	m := a.o.mem
	if m.gen.Load() != a.gen {
		panic(&MisuseError{Func: fn, What: "the arena was freed"})
	}
	return m
}

// Alloc returns a buffer of n bytes, with capacity n, aligned to 16 bytes and not zeroed, that lives until Reset or Free of the
// arena; it must not go to Free of the package. It panics as the package's Alloc does, and with a *MisuseError after Free.
func (a Arena) Alloc(n int) []byte {
	if a.o != nil {
		if m := a.o.mem; uint(n)-1 < uint(m.room) && m.gen.Load() == a.gen {
			p := unsafe.Add(m.base, m.at)
			step := (n + arenaAlign - 1) &^ (arenaAlign - 1)
			m.at += step
			m.room -= step // chunks are multiples of the alignment: never below 0
			m.used += n
			runtime.KeepAlive(a.o)
			return slice(p, n)
		}
	}
	return a.allocSlow(n)
}

//go:noinline
func (a Arena) allocSlow(n int) []byte {
	m := a.mem("Arena.Alloc")
	if n < 0 {
		panic(sizeError(n))
	}
	if n == 0 {
		return []byte{}
	}
	size := arenaFirst
	if k := len(m.chunks); k > 0 {
		size = min(2*len(m.chunks[k-1]), arenaMost)
	}
	if n > size/4 { // the rest of the chunk in use is not to be lost for it
		b := m.take(n)
		m.large = append(m.large, b)
		m.used += n
		runtime.KeepAlive(a.o)
		return b
	}
	chunk := m.take(size)
	m.chunks = append(m.chunks, chunk)
	m.use(chunk)
	return a.Alloc(n)
}

// take allocates n bytes for the arena.
func (m *arenaMem) take(n int) []byte {
	b := Alloc(n)
	press(n)
	return b
}

// drop frees all of them but the first k chunks, and returns the bytes, which pressed on the collector.
func (m *arenaMem) drop(k int) (bytes int) {
	for i, b := range m.large {
		bytes += len(b)
		Free(b)
		m.large[i] = nil
	}
	m.large = m.large[:0]
	for len(m.chunks) > k {
		last := len(m.chunks) - 1
		bytes += len(m.chunks[last])
		Free(m.chunks[last])
		m.chunks[last] = nil
		m.chunks = m.chunks[:last]
	}
	m.room, m.used = 0, 0
	if len(m.chunks) > 0 {
		m.use(m.chunks[0])
	}
	return bytes
}

// use makes chunk the one in use.
func (m *arenaMem) use(chunk []byte) {
	m.base, m.at, m.room = unsafe.Pointer(unsafe.SliceData(chunk)), 0, len(chunk)
}

// Len is the number of bytes that the arena has handed out since it was made or reset.
func (a Arena) Len() int { return a.mem("Arena.Len").used }

// Reset frees all buffers of the arena, and makes it empty for another use. It panics with a *MisuseError after Free.
func (a Arena) Reset() {
	unpress(a.mem("Arena.Reset").drop(1))
	runtime.KeepAlive(a.o)
}

// Free frees the arena and all of its buffers. A second Free, of any copy, does nothing, and so does Free of the zero Arena.
func (a Arena) Free() {
	if a.o == nil {
		return
	}
	if m := a.o.mem; m.gen.CompareAndSwap(a.gen, a.gen+1) {
		unpress(m.drop(0)) // the first chunk too: an owner without an arena holds nothing that would count as a leak
		arenaOwners.Put(a.o)
	}
}

// lost is the cleanup: every handle of the owner is gone.
func (m *arenaMem) lost() {
	if gen := m.gen.Load(); gen%2 == 1 && m.gen.CompareAndSwap(gen, gen+1) {
		n := m.used
		bytes := m.drop(0)
		countNetFreed(n)
		unpressCollected(bytes)
	}
}
