package cmem

import (
	"sync"
	"testing"
)

var benchSizes = []struct {
	name string
	n    int
}{
	{"64B", 64}, {"1KiB", 1 << 10}, {"10KiB", 10 << 10}, {"64KiB", 64 << 10}, {"256KiB", 256 << 10}, {"1MiB", 1 << 20},
	{"8MiB", 8 << 20},
}

// sink keeps what a benchmark allocates from being found useless.
var sink []byte

// BenchmarkPair allocates and frees a buffer, whose first byte it writes, over and over: as cmem
// does, as a sync.Pool for buffers of this one size, and as make does.
func BenchmarkPair(b *testing.B) {
	for _, size := range benchSizes {
		b.Run("cmem/"+size.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				buf := Alloc(size.n)
				buf[0] = byte(i)
				sink = buf
				Free(buf)
			}
		})
		b.Run("pool/"+size.name, func(b *testing.B) {
			b.ReportAllocs()
			pool := sync.Pool{New: func() any {
				buf := make([]byte, size.n)
				return &buf
			}}
			for i := range b.N {
				buf := pool.Get().(*[]byte)
				(*buf)[0] = byte(i)
				sink = *buf
				pool.Put(buf)
			}
		})
		b.Run("make/"+size.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				buf := make([]byte, size.n)
				buf[0] = byte(i)
				sink = buf
			}
		})
	}
	sink = nil
}

// BenchmarkParallel is BenchmarkPair on all Ps.
func BenchmarkParallel(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					buf := Alloc(size.n)
					buf[0] = 1
					Free(buf)
				}
			})
		})
	}
}

// BenchmarkHandle is a pair of New and Buffer.Free.
func BenchmarkHandle(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				h := New(size.n)
				h.Bytes()[0] = byte(i)
				h.Free()
			}
		})
	}
}

// BenchmarkAllocZeroed is a pair with every byte zeroed.
func BenchmarkAllocZeroed(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size.n))
			for range b.N {
				buf := AllocZeroed(size.n)
				sink = buf
				Free(buf)
			}
		})
	}
	sink = nil
}

// BenchmarkHold frees the oldest of 32 buffers and allocates a new one.
func BenchmarkHold(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			var held [32][]byte
			for i := range b.N {
				slot := &held[i%len(held)]
				Free(*slot)
				*slot = Alloc(size.n)
				(*slot)[0] = byte(i)
			}
			for _, buf := range held {
				Free(buf)
			}
		})
	}
}

// BenchmarkHandOver allocates on one goroutine and frees on another.
func BenchmarkHandOver(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			hand := make(chan []byte, 16)
			done := make(chan struct{})
			go func() {
				for buf := range hand {
					Free(buf)
				}
				close(done)
			}()
			for range b.N {
				hand <- Alloc(size.n)
			}
			close(hand)
			<-done
		})
	}
}

// BenchmarkHandleHandOver makes handles on one goroutine and frees them on another.
func BenchmarkHandleHandOver(b *testing.B) {
	b.ReportAllocs()
	hand := make(chan Buffer, 64)
	done := make(chan struct{})
	go func() {
		for h := range hand {
			h.Free()
		}
		close(done)
	}()
	for range b.N {
		hand <- New(1 << 10)
	}
	close(hand)
	<-done
}

// BenchmarkHandleParallel is BenchmarkHandle on all Ps.
func BenchmarkHandleParallel(b *testing.B) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			New(1 << 10).Free()
		}
	})
}
