package cmem

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// liveSince tells how many blocks have become live since the test began.
func liveSince(t *testing.T) func() int {
	before := statsNow().LiveBlocks
	return func() int { return int(statsNow().LiveBlocks - before) }
}

// TestAttach frees buffers with their owners.
func TestAttach(t *testing.T) {
	noLeak(t)
	live := liveSince(t)
	owner := &handle{name: "kept"}
	for _, k := range sizesOfKinds {
		b := Alloc(k.n)
		size := Usable(b)
		Attach(owner, b)
		f := fill(b, 1)
		for range 2 {
			runtime.GC()
		}
		f.check(t)
		if got := Usable(b); got != size {
			t.Errorf("%d usable bytes once it is attached, %d before", got, size)
		}
		b = nil
	}
	if got := live(); got != len(sizesOfKinds) {
		t.Errorf("%d live blocks, want %d", got, len(sizesOfKinds))
	}
	runtime.KeepAlive(owner)
	afterGC(t, "the owner's buffers are freed", func() bool { return live() == 0 })
	if n := attachments(); n != 0 {
		t.Errorf("%d attachments are remembered, want 0", n)
	}
}

// attachments is how many buffers hang on an owner.
func attachments() int {
	attached.Lock()
	defer attached.Unlock()
	return len(attached.m)
}

// TestAttachMany hangs many buffers on one owner.
func TestAttachMany(t *testing.T) {
	noLeak(t)
	live := liveSince(t)
	owner := &handle{name: "of many"}
	for i := range 1000 {
		Attach(owner, Alloc(10+i*30))
	}
	runtime.GC()
	if got := live(); got != 1000 {
		t.Errorf("%d live blocks, want 1000", got)
	}
	runtime.KeepAlive(owner)
	afterGC(t, "the owner's buffers are freed", func() bool { return live() == 0 })
}

// TestAttachFreedEarlier frees attached buffers by hand. Their owners' ends must not touch who has
// the address then.
func TestAttachFreedEarlier(t *testing.T) {
	noLeak(t)
	for _, k := range sizesOfKinds {
		t.Run(k.name, func(t *testing.T) {
			noLeak(t)
			live := liveSince(t)
			var owner *handle
			reused := freeAndReuse(t, k.n, func(b []byte) {
				owner = &handle{name: "first"}
				Attach(owner, b)
				before := live()
				Free(b)
				if got := live(); got != before-1 {
					t.Errorf("%d live blocks after Free of an attached one, %d before", got, before)
				}
				if n := attachments(); n != 0 {
					t.Errorf("%d attachments are remembered after Free, want 0", n)
				}
			})
			f := fill(reused, 8)
			collectOwner(&owner)
			if got := live(); got != 1 {
				t.Errorf("%d live blocks after the first owner's end, want 1", got)
			}
			f.check(t)
			Free(reused)
		})
		t.Run(k.name+", attached again", func(t *testing.T) {
			noLeak(t)
			live := liveSince(t)
			var first *handle
			second := &handle{name: "second"}
			reused := freeAndReuse(t, k.n, func(b []byte) {
				first = &handle{name: "first"}
				Attach(first, b)
				Free(b)
			})
			Attach(second, reused)
			f := fill(reused, 8)
			collectOwner(&first)
			if got := live(); got != 1 {
				t.Errorf("%d live blocks after the first owner's end, want 1", got)
			}
			f.check(t)
			runtime.KeepAlive(second)
			afterGC(t, "the second owner's buffer is freed", func() bool { return live() == 0 })
		})
	}
}

// collectOwner drops *h and waits until a cleanup of it has run, and the others have had their
// chance.
func collectOwner(h **handle) {
	collected := make(chan struct{})
	runtime.AddCleanup(*h, func(c chan struct{}) { close(c) }, collected)
	*h = nil
	for {
		runtime.GC()
		select {
		case <-collected:
			for range 2 { // cleanups of one object run in any order
				runtime.GC()
			}
			return
		default:
		}
	}
}

// TestAttachTwice hangs a buffer on two owners.
func TestAttachTwice(t *testing.T) {
	noLeak(t)
	live := liveSince(t)
	for _, k := range sizesOfKinds {
		b := Alloc(k.n)
		first, second := &handle{name: "first"}, &handle{name: "second"}
		Attach(first, b)
		want := MisuseError{"Attach", addr(b), "the buffer is attached to an owner already"}
		checkMisuse(t, want, func() { Attach(second, b) })
		checkMisuse(t, want, func() { Attach(first, b[:1]) })
		collectOwner(&second)
		if got := live(); got != 1 {
			t.Errorf("%d live blocks after the end of an owner that was refused, want 1", got)
		}
		runtime.KeepAlive(first)
		afterGC(t, "the first owner's buffer is freed", func() bool { return live() == 0 })
	}
}

// TestAttachBadOwner hangs buffers on what can't be an owner: they are the caller's still, and can
// be attached.
func TestAttachBadOwner(t *testing.T) {
	noLeak(t)
	live := liveSince(t)
	b := Alloc(1000)
	refuse := func(what string, attach func()) { checkMisuse(t, MisuseError{"Attach", addr(b), what}, attach) }
	sizeless := func(name string) string {
		return "the owner, a " + name + ", has no size: all such objects are one, which is never collected"
	}
	refuse("the owner is nil", func() { Attach[handle](nil, b) })
	refuse("the owner is nil", func() { Attach[struct{}](nil, b) })
	refuse(sizeless("*struct {}"), func() { Attach(new(struct{}), b) })
	refuse(sizeless("*[0]int"), func() { Attach(new([0]int), b) })
	refuse(sizeless("*struct {}"), func() { Attach(&new(struct{ none struct{} }).none, b) })
	if inC := Alloc(64); offHeap && panicOf(func() { Attach(&inC[0], b) }) == nil {
		t.Error("C memory was taken for an owner")
	} else {
		Free(inC)
	}
	if got := live(); got != 1 {
		t.Errorf("%d live blocks after owners that are none, want 1", got)
	}
	owner := &handle{name: "good"}
	Attach(owner, b)
	Attach(owner, []byte{}) // nothing
	Attach(owner, nil)
	runtime.KeepAlive(owner)
	afterGC(t, "the owner's buffer is freed", func() bool { return live() == 0 })
}

// TestAttachInterior: a pointer into an object stands for the object.
func TestAttachInterior(t *testing.T) {
	noLeak(t)
	live := liveSince(t)
	type twin struct {
		left, right handle
		last        byte
	}
	for _, part := range []func(o *twin, b []byte){
		func(o *twin, b []byte) { Attach(&o.left, b) },
		func(o *twin, b []byte) { Attach(&o.right, b) },
		func(o *twin, b []byte) { Attach(&o.last, b) },
		func(o *twin, b []byte) { Attach(&o.right.f.b, b) },
	} {
		owner := &twin{}
		part(owner, Alloc(1000))
		for range 3 {
			runtime.GC()
		}
		if got := live(); got != 1 {
			t.Errorf("%d live blocks while the object is in use, want 1", got)
		}
		runtime.KeepAlive(owner)
		afterGC(t, "the object's buffer is freed", func() bool { return live() == 0 })
	}
}

// TestAttachTiny: an owner that the runtime packs with others is garbage when they all are.
func TestAttachTiny(t *testing.T) {
	noLeak(t)
	live := liveSince(t)
	var owners []*int8
	for range 64 {
		owner := new(int8)
		Attach(owner, Alloc(1000))
		owners = append(owners, owner, new(int8))
	}
	for range 3 {
		runtime.GC()
	}
	if got := live(); got != 64 {
		t.Errorf("%d live blocks while their owners are in use, want 64", got)
	}
	runtime.KeepAlive(owners)
	owners = nil
	afterGC(t, "the tiny owners' buffers are freed", func() bool {
		_ = *escape(new(int8)) // the runtime begins another pack
		return live() == 0
	})
}

var escaped *int8

// escape returns p, which is on the heap.
func escape(p *int8) *int8 {
	escaped = p
	escaped = nil
	return p
}

var globalOwner struct{ bytes [100]byte }

// TestAttachGlobal: a global variable lives as long as the program, and its buffers until they are
// freed.
func TestAttachGlobal(t *testing.T) {
	noLeak(t)
	live := liveSince(t)
	for _, k := range sizesOfKinds {
		b := Alloc(k.n)
		Attach(&globalOwner, b)
		f := fill(b, 3)
		for range 3 {
			runtime.GC()
		}
		f.check(t)
		if got := live(); got != 1 {
			t.Errorf("%d live blocks, want 1", got)
		}
		Free(b)
	}
	if n := attachments(); n != 0 {
		t.Errorf("%d attachments are remembered, want 0", n)
	}
}

// TestAttachRealloc resizes attached buffers: a block that stays hangs on its owner still, one that
// moves does not.
func TestAttachRealloc(t *testing.T) {
	noLeak(t)
	Scavenge() // a P that was busy in another test may serve Alloc with a block so large that Realloc moves it
	live := liveSince(t)
	for _, k := range sizesOfKinds {
		owner := &handle{name: "owner"}
		b := Alloc(k.n)
		Attach(owner, b)
		b = Realloc(b, k.n-100)
		f := fill(b, 4)
		checkMisuse(t, MisuseError{"Attach", addr(b), "the buffer is attached to an owner already"},
			func() { Attach(owner, b) })
		moved := Realloc(b, 2*k.n)
		filled{moved[:len(b)], f.seed}.check(t)
		collectOwner(&owner)
		if got := live(); got != 1 {
			t.Errorf("%d live blocks after the end of the moved block's owner, want 1", got)
		}
		Free(moved)

		owner = &handle{name: "owner"}
		b = Alloc(k.n)
		Attach(owner, b)
		b = Realloc(b, k.n-100)
		runtime.KeepAlive(owner)
		afterGC(t, "the resized block is freed with its owner", func() bool { return live() == 0 })
	}
}

// TestAttachStress attaches, frees, loses and uses buffers in many goroutines.
func TestAttachStress(t *testing.T) {
	noLeak(t)
	live := liveSince(t)
	_, seed := newRand(t)
	var all sync.WaitGroup
	for w := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			rng := rand.New(rand.NewPCG(seed, uint64(w+1)))
			owners := make([]*handle, 16)
			for i := range scaled(5000) {
				slot := rng.IntN(len(owners))
				o := owners[slot]
				if o == nil {
					b := Alloc(1 + rng.IntN(3000)*(1+rng.IntN(20)))
					o = &handle{f: fill(b, uint64(w)<<40|uint64(i))}
					Attach(o, b)
					owners[slot] = o
					continue
				}
				if err := o.f.err(); err != nil {
					t.Error(err)
				}
				switch rng.IntN(3) {
				case 0:
					Free(o.f.b)
				case 1:
					Free(Realloc(o.f.b, len(o.f.b)+rng.IntN(10_000)))
				}
				runtime.KeepAlive(o)
				owners[slot] = nil
				if i%1000 == 0 {
					runtime.GC()
				}
			}
			runtime.KeepAlive(owners)
		}()
	}
	all.Wait()
	afterGC(t, "all buffers are freed", func() bool { return live() == 0 })
	if n := attachments(); n != 0 {
		t.Errorf("%d attachments are remembered, want 0", n)
	}
}
