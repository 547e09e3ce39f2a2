#!/usr/bin/env bash
# fortify.sh: programs that are built with _FORTIFY_SOURCE=3, which knows from cmem.h how many bytes
# each request was for. One that fills a block's usable bytes as cmem.h says must run; one that
# fills more than it asked for must be stopped.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ulimit -c 0

cat >"$dir/fill.c" <<'END'
#include <cmem.h>
#include <stdlib.h>
#include <string.h>

enum { ALLOC, CALLOC, ALIGNED, REALLOC, KINDS };

static void *take(int kind, size_t n) {
    switch (kind) {
    case ALLOC:
        return cmem_alloc(n);
    case CALLOC:
        return cmem_calloc(1, n);
    case ALIGNED:
        return cmem_aligned_alloc(4096, n);
    default:
        return cmem_realloc(cmem_alloc(n / 2), n);
    }
}

/* What the block holds beyond the request, after the realloc that asks for it. */
static void fill_all(int kind, size_t n) {
    char *p = take(kind, n);
    size_t usable = cmem_usable_size(p);
    char *q = cmem_realloc(p, usable);
    if (q != p) exit(1);
    memset(q, 1, usable);
    cmem_free(q);
}

/* One byte more than the request. */
static void overflow(int kind, size_t n) {
    char *p = kind == ALLOC     ? cmem_alloc(n)
              : kind == CALLOC  ? cmem_calloc(n, 1)
              : kind == ALIGNED ? cmem_aligned_alloc(16, n)
                                : cmem_realloc(NULL, n);
    memset(p, 1, n + 1);
    cmem_free(p);
}

int main(int argc, char **argv) {
    const size_t sizes[] = {1, 100, 1000, 5000, 100000, 300000, 3000000, 20000001};
    if (argc > 2) {
        overflow(atoi(argv[1]), (size_t)atol(argv[2]));
        return 0;
    }
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) fill_all(kind, sizes[i]);
    return 0;
}
END

tried=0
for cc in "${CC:-cc}" clang; do
    command -v "$cc" >/dev/null || continue
    flags=(-O2 -Wall -Wextra -Ic -pthread)
    # A compiler or C library without level 3 falls back to 2, with a warning or without.
    printf '#include <string.h>\n#if __USE_FORTIFY_LEVEL < 3\n#error no level 3\n#endif\n' |
        "$cc" -O2 -D_FORTIFY_SOURCE=3 -x c -fsyntax-only - 2>/dev/null || continue
    tried=$((tried + 1))
    extra=()
    "$cc" -Werror -ftrivial-auto-var-init=zero -x c -fsyntax-only /dev/null 2>/dev/null &&
        extra=(-ftrivial-auto-var-init=pattern)
    "$cc" "${flags[@]}" -D_FORTIFY_SOURCE=3 "${extra[@]}" "$dir/fill.c" build/lib/libcmem.a -o "$dir/fill"
    "$dir/fill" || { echo "fortify: $cc: a program that fills its blocks ended with status $?" >&2; exit 1; }
    for kind in 0 1 2 3; do
        status=0
        "$dir/fill" "$kind" 100 2>"$dir/err" || status=$?
        if [[ $status -ne 134 ]] || ! grep -q 'buffer overflow detected' "$dir/err"; then
            echo "fortify: $cc: an overflow of kind $kind was not found: status $status, $(cat "$dir/err")" >&2
            exit 1
        fi
    done
done
[[ $tried -gt 0 ]] || { echo 'no compiler with _FORTIFY_SOURCE=3 is here'; exit 77; }
echo "fortify: $tried compilers"
