//go:build cgo && linux

// Package lean takes away most of what cgo adds to the virtual memory (VSZ) of a program. It is
// imported for its effect:
//
//	import _ "github.com/gocmem/cmem/cmem/lean"
//
// Before main, and before there is any thread but the first, a C constructor sets two defaults of
// glibc:
//
//   - One malloc arena, not eight a core. A thread of a cgo program reserves an arena of 64 MiB
//     when it starts, because the first thing it does is to free the block it was started with;
//     whether any C code of the program ever allocates makes no difference.
//   - 256 KiB of stack a thread, not what ulimit -s says, 8 MiB as a rule.
//
// Both are caps: a smaller ulimit -s stays as it is. Resident memory hardly changes, for what goes
// away are reservations that nobody touches. It matters where something counts them: ulimit -v, an
// alarm on VSZ, and for stacks strict overcommit. The command "go test -run Footprint -v
// ./cmem/lean" in a clone of the repository shows by how much.
//
// # What it costs
//
// One arena is one lock. Each thread still has malloc's cache of small blocks (up to 1 KiB), but C
// code that allocates larger ones from several threads at once waits for its turn: "go test -run
// '^$' -bench . ./cmem/lean" shows how long. Give such a program more arenas.
//
// A stack of 256 KiB is twice what musl gives a thread, and enough for Go, for glibc's own
// functions and its resolver. C code that recurses deeply or has large arrays on its stack may end
// with SIGSEGV: SQLite answers queries nested 90 deep on 96 KiB, but those near its limit of 1000
// take up to 768 (testdata/sqlite). The default holds for every thread of the process that is
// created without asking for a size, those of C libraries too. The main thread is as ever, and so
// are goroutines, whose stacks are Go's.
//
// In a program that has no C but for this package the import is a loss: it makes it a cgo program.
//
// # CMEMLEAN
//
// The environment variable CMEMLEAN, a comma-separated list of name=value as in GODEBUG, changes
// the caps:
//
//	arenas=N     at most N arenas; 0 leaves them alone
//	stack=SIZE   at most SIZE bytes of stack, such as 512k or 1m; 0 leaves stacks alone. Not less
//	             than 64k (128k on arm64), for Go needs some 28k
//	trace=1      says on standard error what was done
//
// A value that is no good is reported on standard error, and the default stays.
//
// # Where it does nothing
//
// With MALLOC_ARENA_MAX or GLIBC_TUNABLES=glibc.malloc.arena_max set, arenas are left to these.
// Nothing at all is done with another C library than glibc (musl has no arenas, and small stacks);
// where malloc is not glibc's, but jemalloc's, mimalloc's or tcmalloc's, preloaded or linked in;
// under AddressSanitizer and valgrind. Nor with -ldflags=-linkmode=internal and
// -buildmode=c-archive: Go's linker drops constructors, and C's takes from an archive only what is
// called for. In -buildmode=c-shared the defaults are those of the whole process that loads the
// library.
package lean

// #cgo CFLAGS: -std=gnu11 -O2 -Wall
// #cgo LDFLAGS: -lpthread
import "C"

// what lean.c includes: so it is vendored, and a change of it is seen
import _ "github.com/gocmem/cmem/cmem/lean/source"
