package buf

type Buffer struct{ b []byte }

func (b *Buffer) Write(p []byte) (int, error) { return 0, nil }
func (b *Buffer) Bytes() []byte               { return nil }
func (b *Buffer) Free()                       {}
