package modes

// collected makes a buffer for every Get and forgets the one of every Give: the article's first program.
type collected struct{ tally }

func newGC(Config) Mode { return new(collected) }

func (m *collected) Get(n int) []byte { return m.fresh(n) }
func (m *collected) Give([]byte)      {}
