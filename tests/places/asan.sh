#!/usr/bin/env bash
# asan.sh: the ordinary library in programs under AddressSanitizer and LeakSanitizer, of gcc and
# clang: a correct program passes, a faulty one is reported.
set -euo pipefail
source tests/scripts/faulty.sh
export ASAN_OPTIONS=detect_leaks=1

# All that AddressSanitizer is to report; a double free is the library's own to report.
faults() {
    local n fault
    for fault in overflow-{read,calloc,realloc}; do reports 'AddressSanitizer: use-after-poison' "$fault" 100; done
    for n in 100 102400 $((5 << 20)) $((20 << 20)); do
        for fault in {read,write}-after-free overflow-write; do
            reports 'AddressSanitizer: use-after-poison' "$fault" "$n"
        done
        reports 'cmem: cmem_free(0x[0-9a-f]*): double free' double-free "$n"
    done
}

tried=()
for cc in gcc clang; do
    works $cc -fsanitize=address || continue
    tried+=($cc)
    build $cc -fsanitize=address $static
    passes
    faults
    for how in "${shared[*]}" "$loaded"; do
        build $cc -fsanitize=address $how
        passes
        reports 'AddressSanitizer: use-after-poison' read-after-free 100
        reports 'AddressSanitizer: use-after-poison' overflow-write 102400
    done
    build "$cc -x c++ -Wno-deprecated" -fsanitize=address -x none $static -lstdc++
    passes
    build $cc -fsanitize=leak $static
    passes
done
[[ ${#tried[@]} -gt 0 ]] || { echo 'no compiler here with AddressSanitizer'; exit 77; }

# gcc's runtime in the program itself.
if works gcc -fsanitize=address -static-libasan; then
    build gcc -fsanitize=address -static-libasan "${shared[@]}"
    passes
    reports 'AddressSanitizer: use-after-poison' read-after-free 100
    build gcc -fsanitize=address -static-libasan "$loaded" # does not find it, and does without
    passes
fi
echo "asan: ${tried[*]}"
