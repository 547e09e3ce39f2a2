package main

// startPreloaded starts a child whose C.malloc is the library's.
func startPreloaded(library string) (*child, error) {
	c, err := startChild(library)
	if err != nil {
		return nil, err
	}
	if _, err := c.ask(request{Do: "preloaded", Library: library}); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}
