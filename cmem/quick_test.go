package cmem

import ("testing";"sync";"math/rand/v2")

func TestQuick(t *testing.T) {
	var live [][]byte
	for i := range 300000 {
		if len(live) > 0 && rand.IntN(2) == 0 {
			k := rand.IntN(len(live))
			b := live[k]
			if b[0] != byte(len(b)) || b[len(b)-1] != byte(len(b)) { t.Fatal("corrupt") }
			Free(b)
			live[k] = live[len(live)-1]; live = live[:len(live)-1]
			continue
		}
		n := 1 + rand.IntN(1<<rand.IntN(21))
		var b []byte
		if i % 3 == 0 { b = AllocZeroed(n); for _, x := range b { if x != 0 { t.Fatal("nz") } } } else {b = Alloc(n)}
		b[0] = byte(n); b[n-1] = byte(n)
		live = append(live, b)
		if len(live) > 500 { for _, b := range live { Free(b) }; live = live[:0] }
	}
	for _, b := range live { Free(b) }
	var s Stats
	ReadStats(&s)
	t.Logf("%+v", s)
	if s.LiveBlocks != 0 { t.Fatal("leak") }
}

func BenchmarkPair(b *testing.B) {
	for _, n := range []int{64, 1024, 65536, 1<<20, 8<<20} {
		b.Run("cmem", func(b *testing.B) { b.ReportAllocs(); for b.Loop() { x := Alloc(n); Free(x) } })
		b.Run("pool", func(b *testing.B) {
			p := sync.Pool{New: func() any { x := make([]byte, n); return &x }}
			for b.Loop() { x := p.Get().(*[]byte); p.Put(x) } })
		b.Run("handle", func(b *testing.B) { b.ReportAllocs(); for b.Loop() { x := New(n); x.Free() } })
	}
}
