package modes

// poolSlots is how many idle buffers the article's channel holds.
const poolSlots = 5

// pool is the article's second program: a buffered channel of idle buffers. What does not fit in is the collector's.
type pool struct {
	tally
	idle  chan []byte
	sized bool
}

func newPool(Config) Mode      { return &pool{idle: make(chan []byte, poolSlots)} }
func newSizedPool(Config) Mode { return &pool{idle: make(chan []byte, poolSlots), sized: true} }

func (m *pool) Get(n int) []byte {
	select {
	case b := <-m.idle:
		m.taken(b)
		if !m.sized {
			return b
		}
		if cap(b) >= n {
			return b[:n]
		}
	default:
	}
	return m.fresh(n)
}

func (m *pool) Give(b []byte) {
	select {
	case m.idle <- b:
		m.stored(b)
	default:
	}
}
