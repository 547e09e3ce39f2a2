package main

import "time"

// A queue is a channel from a goroutine that takes buffers to one that gives them back.
type queue[B any] struct {
	heap[B]
	ch   chan B
	fill bool
	sum  int // of what was read, which is of no use
}

func newQueue[B any](h heap[B], depth int, fill bool) *queue[B] {
	return &queue[B]{heap: h, ch: make(chan B, depth), fill: fill}
}

// run sends n buffers, and waits until all were given back.
func (q *queue[B]) run(n int) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range n {
			b := <-q.ch
			if q.fill {
				q.sum += read(q.bytes(b))
			}
			q.put(b)
		}
	}()
	for range n {
		b := q.get()
		if q.fill {
			clear(q.bytes(b))
		}
		q.ch <- b
	}
	<-done
}

func queueSides(tc testcase) []side {
	ours, theirs := newQueue(cmemHeap(tc.Size), tc.Depth, tc.Fill), newQueue(poolHeap(tc.Size), tc.Depth, tc.Fill)
	// A turn is long enough for the channel to be full most of the time, where the one goroutine is faster than the other.
	least := 4 * tc.Depth
	return []side{{enter: nothing, run: ours.run, least: least}, {enter: nothing, run: theirs.run, least: least}}
}

func nothing(time.Duration) {}
