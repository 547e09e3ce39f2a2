package cmem

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// attached holds the buffers that hang on an owner. Such a buffer has a tag of its own, so Free
// looks here for no other.
var attached = struct {
	sync.Mutex
	m    map[uintptr]attachment
	last uint64
}{m: map[uintptr]attachment{}}

const attachedAlready = "the buffer is attached to an owner already"

type attachment struct {
	token   uint64 // tells this attachment from earlier ones of the same address
	n       int    // the bytes that it presses on the collector with
	cleanup runtime.Cleanup
}

// Attach makes b, a buffer of Alloc, be freed when owner is collected, unless it was freed before.
// A buffer hangs on one owner at most; an owner may have many. A b of capacity 0 is passed over.
//
// A SLICE OF C MEMORY KEEPS NOTHING ALIVE: whoever uses b must hold owner as long, by
// runtime.KeepAlive if need be. The usual place for b is a field of *owner.
//
// A pointer into an object stands for the whole object. The collector knows no owner apart where it
// packs several objects, of less than 16 bytes in all and without pointers, into one allocation: b
// is then freed when all of them are garbage. A global variable is never collected: b is then the
// caller's to free.
//
// Attach panics with a *MisuseError where b is not the start of a live buffer, is attached already,
// or belongs to a Buffer or an Arena; where owner is nil; and where T has no size, as all such
// objects are one, which is never collected. It panics as runtime.AddCleanup does where owner
// points to memory that is not Go's.
func Attach[T any](owner *T, b []byte) {
	if cap(b) == 0 {
		return
	}
	p := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	if owner == nil {
		panic(&MisuseError{"Attach", p, "the owner is nil"})
	}
	if unsafe.Sizeof(*owner) == 0 {
		panic(&MisuseError{"Attach", p,
			fmt.Sprintf("the owner, a %T, has no size: all such objects are one, which is never collected", owner)})
	}
	attached.Lock()
	attached.last++
	token := attached.last
	attached.Unlock()
	// First the cleanup: it panics where owner is no good, and finds nothing to free as long as the
	// block isn't in the map.
	cleanup := runtime.AddCleanup(owner, freeOwned, owned{p, token})
	if !attach(p) {
		cleanup.Stop()
		attachMisuse(p)
	}
	attached.Lock()
	before := attached.m[p] // of a block that C has freed: its owner's cleanup will not find it
	attached.m[p] = attachment{token, cap(b), cleanup}
	attached.Unlock()
	unpress(before.n)
	press(cap(b))
	runtime.KeepAlive(owner)
}

type owned struct {
	p     uintptr
	token uint64
}

// freeOwned is the cleanup of an owner.
func freeOwned(o owned) {
	attached.Lock()
	a := attached.m[o.p]
	mine := a.token == o.token
	if mine {
		delete(attached.m, o.p)
	}
	attached.Unlock()
	if mine {
		freeAttached(o.p)
		countNetFreed(a.n)
		unpressCollected(a.n)
	}
}

// detach forgets the owner of p, which is about to be freed.
func detach(p uintptr) {
	attached.Lock()
	a, ok := attached.m[p]
	delete(attached.m, p)
	attached.Unlock()
	if ok {
		a.cleanup.Stop()
		unpress(a.n)
	}
}
