//go:build linux

package figures

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
)

// WriteTrace lays the system calls of two variants side by side, thread by thread: between them "|"
// where they differ, "<" or ">" where only one side has a call. It ends where the two agree again,
// to their ends.
func WriteTrace(out io.Writer, sides [2]study.Traced) error {
	w := &writer{out: out}
	var names [2]string
	for i, side := range sides {
		names[i] = side.Variant
		if sides[0].Package != sides[1].Package {
			names[i] += " of " + side.Package
		}
	}
	threads := max(len(sides[0].Threads), len(sides[1].Threads))
	for i := range threads {
		if i > 0 {
			w.printf("\n")
		}
		var calls [2][]repeated
		for k, side := range sides {
			if i < len(side.Threads) {
				calls[k] = repeats(side.Threads[i].Calls)
			}
		}
		w.thread(fmt.Sprintf("thread %d", i+1), names, calls)
	}
	return w.err
}

// thread writes what a thread of either side has done.
func (w *writer) thread(name string, sides [2]string, calls [2][]repeated) {
	for k := range calls {
		if len(calls[k]) == 0 {
			w.printf("%s, only in %s\n", name, sides[1-k])
			for _, c := range calls[1-k] {
				w.printf("  %s\n", c)
			}
			return
		}
	}
	rows := fold(align(calls[0], calls[1]))
	width := utf8.RuneCountInString(sides[0])
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.left))
	}
	w.printf("%s\n", name)
	for _, r := range append([]traceRow{{sides[0], ' ', sides[1]}}, rows...) {
		blank := strings.Repeat(" ", width-utf8.RuneCountInString(r.left))
		w.printf("%s\n", strings.TrimRight(fmt.Sprintf("  %s%s %c %s", r.left, blank, r.mark, r.right), " "))
	}
}

// repeated is a call, made so many times in a row.
type repeated struct {
	text  string
	times int
}

func (r repeated) String() string {
	text := r.text
	if utf8.RuneCountInString(text) > maxCall {
		text = string([]rune(text)[:maxCall-1]) + "…"
	}
	if r.times > 1 {
		text += fmt.Sprintf(" × %d", r.times)
	}
	return text
}

// maxCall is how much of a call is shown.
const maxCall = 84

// inRows are calls that come in rows, of which the arguments are of no interest.
var inRows = []string{"rt_sigaction"}

func repeats(calls []string) []repeated {
	var all []repeated
	for _, text := range calls {
		if name, _, _ := strings.Cut(text, "("); slices.Contains(inRows, name) {
			text = name + "(…)"
		}
		if n := len(all); n > 0 && all[n-1].text == text {
			all[n-1].times++
		} else {
			all = append(all, repeated{text, 1})
		}
	}
	return all
}

// A traceRow has a call of either side, or of one.
type traceRow struct {
	left  string
	mark  rune // ' ': the same
	right string
}

// maxAligned bounds the table of align: of longer traces the ends are not compared.
const maxAligned = 4000

// align finds the longest sequence of calls that both have, by the textbook's table, and puts the others side by side.
func align(a, b []repeated) []traceRow {
	a, b = a[:min(len(a), maxAligned)], b[:min(len(b), maxAligned)]
	longest := make([][]int16, len(a)+1) // longest[i][j] is that of a[i:] and b[j:]
	longest[len(a)] = make([]int16, len(b)+1)
	for i := len(a) - 1; i >= 0; i-- {
		longest[i] = make([]int16, len(b)+1)
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var rows []traceRow
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		if i < len(a) && j < len(b) && a[i] == b[j] {
			rows = append(rows, traceRow{a[i].String(), ' ', b[j].String()})
			i, j = i+1, j+1
			continue
		}
		var left, right []repeated
		for i < len(a) && (j == len(b) || a[i] != b[j] && longest[i+1][j] >= longest[i][j+1]) {
			left = append(left, a[i])
			i++
		}
		for j < len(b) && (i == len(a) || a[i] != b[j] && longest[i+1][j] < longest[i][j+1]) {
			right = append(right, b[j])
			j++
		}
		rows = append(rows, sideBySide(left, right)...)
	}
	return rows
}

func sideBySide(left, right []repeated) []traceRow {
	var rows []traceRow
	for k := range max(len(left), len(right)) {
		switch {
		case k >= len(right):
			rows = append(rows, traceRow{left[k].String(), '<', ""})
		case k >= len(left):
			rows = append(rows, traceRow{"", '>', right[k].String()})
		default:
			rows = append(rows, traceRow{left[k].String(), '|', right[k].String()})
		}
	}
	return rows
}

// shown is how many of a sequence of equal rows stay at either end.
const shown = 2

// fold leaves out the middle of where both sides agree, and all but the beginning of where they do so to the end.
func fold(rows []traceRow) []traceRow {
	var folded []traceRow
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(r traceRow) bool { return r.mark != ' ' })
		switch {
		case n < 0 && len(rows) > shown+1:
			rest := len(rows) - shown
			return append(append(folded, rows[:shown]...),
				traceRow{fmt.Sprintf("… from here on they agree: %d more", rest), ' ', ""})
		case n < 0:
			return append(folded, rows...)
		case n > 2*shown+1:
			folded = append(folded, rows[:shown]...)
			folded = append(folded, traceRow{fmt.Sprintf("… %d that agree", n-2*shown), ' ', ""})
			folded = append(folded, rows[n-shown:n]...)
		default:
			folded = append(folded, rows[:n]...)
		}
		rows = rows[n:]
		n = slices.IndexFunc(rows, func(r traceRow) bool { return r.mark == ' ' })
		if n < 0 {
			n = len(rows)
		}
		folded, rows = append(folded, rows[:n]...), rows[n:]
	}
	return folded
}
