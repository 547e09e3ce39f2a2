package main

import (
	"fmt"
	"path/filepath"

	"github.com/prometheus/procfs"
)

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

// checkPreloaded looks for the library among this process's mappings: the dynamic linker goes on without what it does not find.
func checkPreloaded(library string) error {
	self, err := procfs.Self()
	if err != nil {
		return err
	}
	maps, err := self.ProcMaps()
	if err != nil {
		return err
	}
	for _, m := range maps {
		// The name may go on, as libmimalloc.so.2.0 does.
		if ok, _ := filepath.Match(library+"*", filepath.Base(m.Pathname)); ok {
			return nil
		}
	}
	return fmt.Errorf("the dynamic linker does not find %s", library)
}
