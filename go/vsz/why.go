package vsz

import (
	"fmt"
	"sort"
	"strings"
)

// A Reason is one kind's part in the difference of two rows.
type Reason struct {
	Kind   Kind   `json:"kind"`
	Count  int    `json:"count"` // how many more of them there are
	VSZKiB int64  `json:"vsz_kib"`
	RSSKiB int64  `json:"rss_kib"`
	Text   string `json:"text"` // "+4 glibc arenas × 64 MiB reserved, 16 KiB of it resident"
}

// A Difference explains how a row differs from another.
type Difference struct {
	From    string   `json:"from"` // names of the rows
	To      string   `json:"to"`
	VSZKiB  int64    `json:"vsz_kib"`
	RSSKiB  int64    `json:"rss_kib"`
	Reasons []Reason `json:"reasons"`          // the largest first
	RestKiB int64    `json:"rest_kib"`         // what the reasons leave of VSZKiB: at most 256 either way
	RSSOf   *Reason  `json:"rss_of,omitempty"` // the kind that makes most of RSSKiB, where that is 256 or more
	Advice  []string `json:"advice,omitempty"` // what would remove how much of it
}

// maxRest is how much of a difference need not be explained: what two runs of one program differ by.
const maxRest = 256

// Why returns the few kinds that make up the difference between two measured rows, largest first: as many as it takes
// to explain VSZ to within 256 KiB.
func Why(from, to *VariantReport) Difference {
	d := Difference{
		From: from.Name, To: to.Name,
		VSZKiB: int64(to.VSZKiB) - int64(from.VSZKiB), RSSKiB: int64(to.RSSKiB) - int64(from.RSSKiB),
		Reasons: []Reason{},
	}
	all := reasons(from, to)
	d.RestKiB = d.VSZKiB
	for _, r := range all {
		// Of two kinds the one may grow by what the other shrinks: that the sum is small is no explanation.
		if abs(d.RestKiB) <= maxRest && abs(r.VSZKiB) <= maxRest {
			break
		}
		d.Reasons = append(d.Reasons, r)
		d.RestKiB -= r.VSZKiB
	}
	if abs(d.RSSKiB) >= maxRest {
		d.RSSOf = mostRSS(all, d.RSSKiB)
	}
	d.Advice = advice(from, to)
	return d
}

// mostRSS returns the reason that makes most of the difference in RSS; nil where that is the balance of larger ones.
func mostRSS(all []Reason, rss int64) *Reason {
	var most *Reason
	for i := range all {
		if most == nil || abs(all[i].RSSKiB) > abs(most.RSSKiB) {
			most = &all[i]
		}
	}
	if most == nil || most.RSSKiB > 0 != (rss > 0) || abs(most.RSSKiB) > 2*abs(rss) {
		return nil
	}
	return most
}

func abs(n int64) int64 { return max(n, -n) }

// reasons returns how the kinds differ, the largest difference first.
func reasons(from, to *VariantReport) []Reason {
	var all []Reason
	for _, k := range Kinds() {
		a, b := from.Kind(k), to.Kind(k)
		r := Reason{
			Kind: k, Count: b.Count - a.Count,
			VSZKiB: int64(b.VSZKiB) - int64(a.VSZKiB), RSSKiB: int64(b.RSSKiB) - int64(a.RSSKiB),
		}
		if r.VSZKiB == 0 && r.RSSKiB == 0 {
			continue
		}
		r.Text = r.words(a, b)
		all = append(all, r)
	}
	sort.SliceStable(all, func(i, j int) bool { return abs(all[i].VSZKiB) > abs(all[j].VSZKiB) })
	return all
}

// counted are the kinds of which each has about the same size, and their names.
var counted = map[Kind][2]string{
	GoHeap:       {"Go heap arena", "Go heap arenas"},
	GlibcArenas:  {"glibc arena", "glibc arenas"},
	ThreadStacks: {"thread stack", "thread stacks"},
}

// words says how a became b.
func (r *Reason) words(a, b KindUsage) string {
	names, ok := counted[r.Kind]
	if !ok {
		return r.plainWords(b)
	}
	if r.Count == 0 {
		return fmt.Sprintf("%d %s of %s each, not %s: %s", b.Count, plural(names, b.Count), formatKiB(each(b)),
			formatKiB(each(a)), signed(r.VSZKiB))
	}
	if a.Count > 0 && b.Count > 0 && each(a) != each(b) {
		return fmt.Sprintf("%d %s of %s each, not %d of %s: %s", b.Count, plural(names, b.Count), formatKiB(each(b)), a.Count,
			formatKiB(each(a)), signed(r.VSZKiB))
	}
	of := b
	if r.Count < 0 {
		of = a
	}
	text := fmt.Sprintf("%+d %s × %s", r.Count, plural(names, r.Count), formatKiB(each(of)))
	if of.CommittedKiB < of.VSZKiB/2 {
		text += " reserved"
	}
	if r.Kind == GoHeap && each(of) == goArenaSize>>10 && of.CommittedKiB <= uint64(of.Count-1)*(goArenaSize>>10) {
		text += " (by chance: the heap's random place lies across two arenas)"
	}
	return text + r.resident()
}

// plainWords is for kinds that are not counted.
func (r *Reason) plainWords(b KindUsage) string {
	text := fmt.Sprintf("%s of %s", signed(r.VSZKiB), r.Kind)
	if r.Kind == SharedLibs && r.VSZKiB > 0 {
		text += " (" + b.Detail + ")"
	}
	return text + r.resident()
}

func (r *Reason) resident() string {
	if (r.RSSKiB > 0) != (r.VSZKiB > 0) {
		return "" // it has become more in one way and less in the other
	}
	return fmt.Sprintf(", %s of it resident", formatKiB(abs(r.RSSKiB)))
}

func each(u KindUsage) int64 {
	if u.Count == 0 {
		return 0
	}
	n := int64(u.VSZKiB) / int64(u.Count)
	if u.Kind == ThreadStacks {
		n = int64(u.CommittedKiB) / int64(u.Count) // without the guards
	}
	return n
}

func plural(names [2]string, n int) string {
	if n == 1 || n == -1 {
		return names[0]
	}
	return names[1]
}

// signed is a size with its sign.
func signed(kib int64) string {
	if kib >= 0 {
		return "+" + formatKiB(kib)
	}
	return "-" + formatKiB(-kib)
}

// smallStack is the ulimit -s, in KiB, of which is said what it would remove.
const smallStack = 1024

// leanStack is what cmem/lean gives a thread of C, in KiB.
const leanStack = 256

// advice says what removes how much of what `to` has over `from`.
func advice(from, to *VariantReport) []string {
	var all []string
	arenas, stacks := to.Kind(GlibcArenas), to.Kind(ThreadStacks)
	if arenas.VSZKiB > from.Kind(GlibcArenas).VSZKiB {
		all = append(all, "MALLOC_ARENA_MAX=1 removes "+formatKiB(int64(arenas.VSZKiB)))
	}
	if spare := int64(stacks.Count) * (each(stacks) - smallStack); stacks.VSZKiB > from.Kind(ThreadStacks).VSZKiB &&
		spare > 0 {
		all = append(all, fmt.Sprintf("ulimit -s %d removes %s", smallStack, formatKiB(spare)))
	}
	if spare := int64(arenas.VSZKiB) + int64(stacks.Count)*max(each(stacks)-leanStack, 0); len(all) > 0 && !to.Lean &&
		spare > 0 {
		all = append(all, "cmem/lean, compiled in by --lean or by an import, removes "+formatKiB(spare))
	}
	return all
}

// String is one sentence: "netcgo: +4 glibc arenas × 64 MiB …; RSS +1.6 MB; MALLOC_ARENA_MAX=1 removes 256 MiB".
func (d Difference) String() string {
	var parts []string
	for _, r := range d.Reasons {
		parts = append(parts, r.Text)
	}
	if len(parts) == 0 {
		parts = append(parts, "the same VSZ within "+formatKiB(maxRest))
	}
	rss := "RSS " + signed(d.RSSKiB)
	if d.RSSOf != nil {
		rss += fmt.Sprintf(" (%s %s)", d.RSSOf.Kind, signed(d.RSSOf.RSSKiB))
	}
	return d.To + ": " + strings.Join(append(append(parts, rss), d.Advice...), "; ")
}
