#!/usr/bin/env bash
# msan.sh: the ordinary library, and one that is instrumented itself, in programs under clang's
# MemorySanitizer: a correct program passes; a use of bytes that nobody has written, or of a freed
# block's, is reported.
set -euo pipefail
source tests/scripts/faulty.sh

works clang -fsanitize=memory || { echo 'no clang here with MemorySanitizer'; exit 77; }

instrumented=(-std=gnu11 -fvisibility=hidden -fPIC -fsanitize=memory -O1 -g -c)
for source in c/*.c; do clang "${instrumented[@]}" "$source" -o "$dir/$(basename "$source" .c).o"; done
ar rcs "$dir/libcmem.a" "$dir"/*.o

for how in $static "${shared[*]}" "$loaded" "$dir/libcmem.a"; do
    build clang -fsanitize=memory -fsanitize-memory-track-origins $how
    passes
    for n in 100 102400; do
        for fault in uninitialised uninitialised-{reused,realloc} read-after-free; do
            reports 'MemorySanitizer: use-of-uninitialized-value' $fault $n
        done
    done
done
# One that is instrumented and opened late: what the loader writes, of its name too, MemorySanitizer does not see.
clang -shared -fsanitize=memory -pthread "$dir"/*.o -o "$dir/libcmem.so"
build clang -fsanitize=memory "-DWITH_DLOPEN=\"$dir/libcmem.so\""
passes

build clang -fsanitize=memory $static
for n in $((5 << 20)) $((20 << 20)); do
    reports 'MemorySanitizer: use-of-uninitialized-value' uninitialised $n
    reports 'MemorySanitizer: use-of-uninitialized-value' read-after-free $n
    reports 'cmem: cmem_free(0x[0-9a-f]*): double free' double-free $n
done
