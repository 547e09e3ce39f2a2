#!/usr/bin/env bash
# memcheck.sh: the ordinary library under valgrind. Under memcheck a correct program passes and a
# faulty one is reported; under the other tools, which do not look at blocks, it runs as it does
# without.
set -euo pipefail
source tests/scripts/faulty.sh

command -v valgrind >/dev/null || { echo 'no valgrind here'; exit 77; }
memcheck=(valgrind --quiet --error-exitcode=9 --leak-check=full)

under=("${memcheck[@]}")
for how in $static "${shared[*]}" "$loaded"; do
    build "$CC" $how
    passes
    reports 'Invalid read' read-after-free 102400
done
build "$CC" $static
for n in 100 102400 $((5 << 20)) $((20 << 20)); do
    reports 'Invalid read' read-after-free $n
    reports 'Invalid write' write-after-free $n
    reports 'Invalid write' overflow-write $n
    reports 'uninitialised value' uninitialised $n
    reports 'cmem: cmem_free(0x[0-9a-f]*): double free' double-free $n
done
for fault in overflow-{read,calloc,realloc}; do reports 'Invalid' $fault 100; done
for fault in uninitialised-{reused,realloc}; do reports 'uninitialised value' $fault 102400; done

# A freed block lies in the thread's cache, unless there are none.
cat >"$dir/caches.c" <<'X'
#include "cmem.h"
int main(void) {
    struct cmem_stats s = {.struct_size = sizeof s};
    cmem_free(cmem_alloc(100));
    cmem_stats(&s);
    return s.thread_cache_bytes > 0 ? 1 : 0;
}
X
"$CC" -Ic "$dir/caches.c" $static -pthread -o "$dir/caches"
caches() { # YES_OR_NO COMMAND...
    local status=0
    "${@:2}" "$dir/caches" >"$dir/out" 2>&1 || status=$?
    # DHAT warns of any request that is not its own.
    [[ $* == *=dhat* ]] || ! grep -i request "$dir/out" || fail "${*:2} complains of a request"
    [[ $status -eq $1 ]] || fail "${*:2}: exit status $status, want $1 (1: has a cache)"
}
caches 1 env
caches 0 "${memcheck[@]}"
for tool in none callgrind cachegrind massif dhat helgrind drd; do
    files=()
    [[ $tool != c*grind ]] || files=("--$tool-out-file=/dev/null")
    [[ $tool != massif && $tool != dhat ]] || files=("--$tool-out-file=$dir/profile")
    caches 1 valgrind --quiet --tool=$tool "${files[@]}"
done
