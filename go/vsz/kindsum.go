package vsz

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"
)

// sumKinds sums up the mappings by kind, in the order of Kinds. An arena of the Go heap has goArena bytes.
func sumKinds(all []Mapping, goArena uint64) []KindUsage {
	var usages []KindUsage
	for _, k := range Kinds() {
		var of []Mapping
		for _, m := range all {
			if m.Kind == k {
				of = append(of, m)
			}
		}
		if len(of) > 0 {
			usages = append(usages, sumKind(k, of, goArena))
		}
	}
	return usages
}

// sumKind sums up mappings that are all of kind k.
func sumKind(k Kind, of []Mapping, goArena uint64) KindUsage {
	u := KindUsage{Kind: k, Count: len(of)}
	for i := range of {
		m := &of[i]
		u.VSZKiB += m.KiB()
		u.RSSKiB += m.RSSKiB
		if !m.reserved() {
			u.CommittedKiB += m.KiB()
		}
	}
	switch k {
	case GoHeap:
		u.Count = int(u.VSZKiB / (goArena >> 10))
		u.Detail = fmt.Sprintf("%s in use, %s reserved", formatKiB(int64(u.CommittedKiB)),
			formatKiB(int64(u.VSZKiB-u.CommittedKiB)))
	case GlibcArenas:
		u.Count = int(u.VSZKiB / (arenaSize >> 10))
		u.Detail = fmt.Sprintf("%s in use, %s reserved", formatKiB(int64(u.CommittedKiB)),
			formatKiB(int64(u.VSZKiB-u.CommittedKiB)))
	case ThreadStacks:
		u.Count = 0
		for _, m := range of {
			if !m.reserved() { // not a guard
				u.Count++
			}
		}
	case SharedLibs, MappedFiles:
		u.Count, u.Detail = countFiles(of)
	}
	return u
}

// maxFiles is how many files are listed.
const maxFiles = 8

// countFiles counts the files that mappings belong to, and lists them, the largest first.
func countFiles(of []Mapping) (int, string) {
	sizes := make(map[string]uint64)
	var files []string
	for i := range of {
		if _, seen := sizes[of[i].File]; !seen {
			files = append(files, of[i].File)
		}
		sizes[of[i].File] += of[i].KiB()
	}
	sort.Slice(files, func(i, j int) bool { return sizes[files[i]] > sizes[files[j]] })
	var list []string
	for _, f := range files[:min(len(files), maxFiles)] {
		list = append(list, filepath.Base(f)+" "+formatKiB(int64(sizes[f])))
	}
	if more := len(files) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("%d more", more))
	}
	return len(files), strings.Join(list, ", ")
}

// formatKiB is a size for people: MiB where it is whole ones or many, else KiB.
func formatKiB(n int64) string {
	switch a := max(n, -n); {
	case a >= 1<<10 && a%(1<<10) == 0:
		return fmt.Sprintf("%d MiB", n>>10)
	case a >= 10<<10:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d KiB", n)
}
