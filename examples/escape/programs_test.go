package escape

import (
	"bytes"
	"go/build"
	"slices"
	"strings"
	"testing"
)

// goHas tells whether the compiler is that of a Go version, "go1.25", or a later one.
func goHas(version string) bool { return slices.Contains(build.Default.ReleaseTags, version) }

// A program is a call of one of the package's functions.
type program struct {
	name      string // the function's, with its argument where that matters
	allocates bool
	run       func()
}

// programs returns all of them. A function's name says whether it allocates; SizeEscapes(32) alone
// does as the Go version does.
func programs() []program {
	text := bytes.Repeat([]byte("text"), 16)
	reader := bytes.NewReader(text)
	rewound := func() *bytes.Reader { reader.Reset(text); return reader }
	channel, arrays := make(chan []byte, 1), make(chan [64]byte, 1)

	all := []program{
		{name: "AppendEscapes", run: func() { AppendEscapes(256) }},
		{name: "AppendStays", run: func() { AppendStays(256) }},
		{name: "ChannelEscapes", run: func() { ChannelEscapes(channel) }},
		{name: "ChannelStays", run: func() { ChannelStays(arrays) }},
		{name: "ClosureEscapes", run: func() { ClosureEscapes() }},
		{name: "ClosureStays", run: func() { ClosureStays() }},
		{name: "ConvertEscapes", run: func() { ConvertEscapes(text) }},
		{name: "ConvertStays", run: func() { ConvertStays(text) }},
		{name: "DevirtualizedStays", run: func() { DevirtualizedStays(text) }},
		{name: "FormatEscapes", run: func() { FormatEscapes(123456) }},
		{name: "FormatStays", run: func() { FormatStays(123456) }},
		{name: "FuncEscapes", run: func() { FuncEscapes(sum) }},
		{name: "GenericEscapes", run: func() { GenericEscapes(rewound()) }},
		{name: "InlinedStays", run: func() { InlinedStays() }},
		{name: "InterfaceEscapes", run: func() { InterfaceEscapes(rewound()) }},
		{name: "InterfaceStays", run: func() { InterfaceStays(rewound()) }},
		{name: "LargeEscapes", run: func() { LargeEscapes() }},
		{name: "LargeStays", run: func() { LargeStays() }},
		{name: "LargeVariableEscapes", run: func() { LargeVariableEscapes() }},
		{name: "LargeVariableStays", run: func() { LargeVariableStays() }},
		{name: "LoopEscapes", run: func() { LoopEscapes() }},
		{name: "LoopStays", run: func() { LoopStays() }},
		{name: "PointersEscapes", run: func() { PointersEscapes() }},
		{name: "PointersStays", run: func() { PointersStays() }},
		{name: "PoolEscapes", run: func() { PoolEscapes() }},
		{name: "PoolStays", run: func() { PoolStays() }},
		{name: "ReturnedEscapes", run: func() { ReturnedEscapes() }},
		{name: "ReturnedPointerEscapes", run: func() { ReturnedPointerEscapes() }},
		{name: "ReturnedStays", run: func() { ReturnedStays() }},
		{name: "SizeEscapes(1000)", run: func() { SizeEscapes(1000) }},
		{name: "SizeEscapes(33)", run: func() { SizeEscapes(33) }},
		{name: "SizeEscapes(32)", run: func() { SizeEscapes(32) }},
		{name: "SizeStays", run: func() { SizeStays(1000) }},
		{name: "StoredEscapes", run: func() { StoredEscapes() }},
		{name: "StoredStays", run: func() { StoredStays() }},
	}
	for i, p := range all {
		all[i].allocates = strings.Contains(p.name, "Escapes") && (p.name != "SizeEscapes(32)" || !goHas("go1.25"))
	}
	return all
}

// BenchmarkEscape is what each costs.
func BenchmarkEscape(b *testing.B) {
	for _, p := range programs() {
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				p.run()
			}
		})
	}
}
