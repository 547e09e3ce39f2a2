package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/procfs"
)

// Choose returns those of all whose names are in the list, separated by commas, in their own order;
// all of them for an empty list. An error begins with the flag that has the list and says that
// there is none of a name, as in "no measurement".
func Choose[T any](flag, none, list string, all []T, name func(T) string) ([]T, error) {
	if list == "" {
		return all, nil
	}
	wanted := strings.Split(list, ",")
	for _, w := range wanted {
		if !slices.ContainsFunc(all, func(t T) bool { return name(t) == w }) {
			return nil, fmt.Errorf("%s: %s %q; expected some of %s", flag, none, w, Names(all, name))
		}
	}
	var chosen []T
	for _, t := range all {
		if slices.Contains(wanted, name(t)) {
			chosen = append(chosen, t)
		}
	}
	return chosen, nil
}

// Names is the list of all names, separated by commas.
func Names[T any](all []T, name func(T) string) string {
	var s []string
	for _, t := range all {
		s = append(s, name(t))
	}
	return strings.Join(s, ",")
}

// WriteJSON writes v to a file, where that is not "".
func WriteJSON(file string, v any) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o666)
}

// CheckPreloaded looks for a library among this process's mappings, by its file's name, which may
// go on where that ends in "*": the dynamic linker goes on without what it does not find.
func CheckPreloaded(library string) error {
	self, err := procfs.Self()
	if err != nil {
		return err
	}
	maps, err := self.ProcMaps()
	if err != nil {
		return err
	}
	for _, m := range maps {
		if ok, _ := filepath.Match(library, filepath.Base(m.Pathname)); ok {
			return nil
		}
	}
	return fmt.Errorf("the dynamic linker does not find %s", strings.TrimSuffix(library, "*"))
}
