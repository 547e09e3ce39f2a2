package vsz

// A Kind is what a mapping is for.
type Kind string

// The kinds, in the order of [Kinds].
const (
	GoHeap       Kind = "Go heap"           // arenas of 64 MiB (4 MiB in 32-bit programs), reserved whole; count: arenas
	GoArenaIndex Kind = "Go arena index"    // the runtime's table from address to arena
	GoSummaries  Kind = "Go page summaries" // the page allocator's summaries and scavenge index: reserved, hardly touched
	GoRuntime    Kind = "Go runtime"        // the runtime's other structures
	ThreadStacks Kind = "thread stacks"     // C threads' stacks and their guards; count: stacks
	GlibcArenas  Kind = "glibc arenas"      // malloc's per-thread heaps, 64 MiB reserved each; count: heaps
	GlibcMmapped Kind = "glibc mmapped"     // large blocks of C malloc, a mapping each; count: blocks
	BrkHeap      Kind = "brk heap"          // [heap]: malloc's main arena
	MainStack    Kind = "main stack"        // the first thread's
	Binary       Kind = "binary"            // the executable's file: text and data
	BSS          Kind = "binary .bss"       // its zeroed data
	SharedLibs   Kind = "shared libraries"  // their files and .bss; count: libraries
	// files that are neither executable nor library, and shared memory; count: files
	MappedFiles  Kind = "mapped files"
	VDSO         Kind = "vdso"          // [vdso] and [vvar]
	CmemRegions  Kind = "cmem regions"  // cmem's heap
	CmemMetadata Kind = "cmem metadata" // its own structures
	Other        Kind = "other"         // what cannot be told
)

var kinds = []struct {
	kind  Kind
	about string
}{
	{GoHeap, "Go's heap, reserved in arenas of 64 MiB (32-bit programs: of 4 MiB, 516 MiB in all at first); what is " +
		"not committed costs nothing"},
	{GoArenaIndex, "the Go runtime's table from address to arena: 32 MiB, hardly touched, the same in every Go program"},
	{GoSummaries,
		"the Go page allocator's summaries and scavenge index: 1.1 GiB of addresses since Go 1.21, hardly touched, the " +
			"same in every Go program"},
	{GoRuntime, "the Go runtime's other structures; they grow with the heap"},
	{ThreadStacks,
		"C stacks: each thread of a program with cgo has one of RLIMIT_STACK; ulimit -s or cmem/lean makes them smaller"},
	{GlibcArenas,
		"glibc malloc's arenas: each thread of a program with cgo reserves 64 MiB, up to 8 a core; MALLOC_ARENA_MAX=1 or " +
			"cmem/lean removes them"},
	{GlibcMmapped, "large blocks of glibc's malloc"},
	{BrkHeap, "glibc malloc's main arena"},
	{MainStack, "the first thread's stack"},
	{Binary, "the executable's file: text and data"},
	{BSS, "the executable's zeroed data; 32 MiB of it is crypto's in programs that import it since Go 1.26"},
	{SharedLibs, "shared libraries; a program without cgo has none"},
	{MappedFiles, "files that are neither executable nor library, and shared memory"},
	{VDSO, "the kernel's code and data in every process"},
	{CmemRegions, "cmem's heap"},
	{CmemMetadata, "cmem's own structures"},
	{Other, "what cannot be told"},
}

// Kinds returns all kinds, in a fixed order: the Go runtime's, C's, files, cmem's, the rest.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for i, k := range kinds {
		all[i] = k.kind
	}
	return all
}

// About is a line that says what the kind is, and what makes it smaller.
func (k Kind) About() string {
	for _, known := range kinds {
		if known.kind == k {
			return known.about
		}
	}
	return ""
}

// KindUsage is what the mappings of one kind come to.
type KindUsage struct {
	Kind   Kind   `json:"kind"`
	Count  int    `json:"count"` // things of that kind where the kind says which, else mappings
	VSZKiB uint64 `json:"vsz_kib"`
	// of VSZKiB: what may be accessed; the rest is reserved addresses (PROT_NONE)
	CommittedKiB uint64 `json:"committed_kib"`
	RSSKiB       uint64 `json:"rss_kib"`
	Detail       string `json:"detail,omitempty"` // "libc.so.6 1,928 KiB, ld-linux-x86-64.so.2 212 KiB"
}
