// Package vsz measures what a build of a Go program costs in virtual memory, and tells what each mapping is for.
//
// A program is built in variants (with and without cgo, with one resolver or the other, static, pie …), run until it
// is ready, and read through /proc:
//
//	ws, err := vsz.NewWorkspace()
//	defer ws.Close()
//	v, err := vsz.LookupVariant("netcgo")
//	prog, err := ws.Build(ctx, "./cmd/server", v)
//	row, err := prog.Measure(ctx, vsz.MeasureConfig{Run: vsz.RunConfig{Ready: vsz.Ready{Line: re}}})
//
// Each row has the process's mappings by [Kind], and these sum to VmSize exactly; [Why] words the difference of two
// rows. [Explain] does the same for a process that runs already and [Self] for the calling one, which [Handler] serves
// over HTTP.
//
// Linux only. Sizes are in KiB (1024 bytes) where a name ends in KiB, else in bytes.
package vsz
