#!/usr/bin/env bash
# layers.sh: the parts of the library stand in the order of c/layers.txt. No object refers to a
# symbol that a higher part defines, no file includes the header of a higher one, no headers include
# each other in a circle, each header compiles alone, and no file is beyond 500 lines.
set -euo pipefail
failed=0
fail() {
    printf 'FAILED: %s\n' "$*"
    failed=1
}

# The list: every file of c/ is of a part, and every part has a file.
declare -A rank=()
n=0
while read -r part; do rank[$part]=$((n += 1)); done < <(sed '1,/^$/d' c/layers.txt | cut -d ' ' -f 1)
[[ $n -gt 20 ]] || fail "c/layers.txt has $n parts"
for file in c/*.[ch]; do
    part=${file#c/}
    [[ -v rank[${part%.?}] ]] || fail "$file: c/layers.txt has no part of its name"
done
for part in "${!rank[@]}"; do [[ -e c/$part.c || -e c/$part.h ]] || fail "c/layers.txt: $part has no file"; done
[[ $failed -eq 0 ]] || exit 1

# Calls and variables. "PART SYMBOL" for each that the objects define, or refer to. (An object whose
# source is gone may lie about.)
parts=(c/*.c)
parts=("${parts[@]#c/}")
symbols() { # BUILD NM-OPTION...
    nm -A -P --extern-only "${@:2}" "${parts[@]/#/build/$1/obj/}" | sed 's|.*/\([a-z]*\)\.o: \([^ ]*\).*|\1 \2|'
}
parts=("${parts[@]/%.c/.o}")
references=0
for build in release debug; do
    declare -A home=()
    while read -r part symbol; do home[$symbol]=$part; done < <(symbols $build --defined-only)
    while read -r part symbol; do
        to=${home[$symbol]:-}
        [[ -n $to ]] || continue # the C library's
        references=$((references + 1))
        ((rank[$to] <= rank[$part])) || fail "$build: $part.c refers to $symbol of $to.c, a higher part"
    done < <(symbols $build --undefined-only)
done
[[ $references -gt 200 ]] || fail "the objects refer to $references symbols of each other: that cannot be all"

# Includes. cmem.h, though its functions are of the highest part, is the lowest header: it has types
# for all, and includes none.
includes() { grep -Ho '^ *# *include "[a-z]*\.h"' "$@" | sed 's|^c/\(.*\): *# *include "\(.*\)\.h"|\1 \2|'; }
while read -r file to; do
    [[ -e c/$to.h ]] || fail "c/$file includes $to.h, which is not there"
    [[ $to == cmem ]] || ((rank[$to] <= rank[${file%.?}])) || fail "c/$file includes $to.h, of a higher part"
done < <(includes c/*.[ch])
circle=$(includes c/*.h | sed 's|\.h||' | tsort 2>&1 >/dev/null) ||
    fail "headers of c/ include each other in a circle:" $circle

for file in c/* cmem/*; do
    [[ -f $file ]] || continue
    lines=$(wc -l <"$file")
    [[ $lines -le 500 ]] || fail "$file has $lines lines: more than 500"
done
[[ $failed -eq 0 ]] || exit 1

for debug in 0 1; do
    "${CC:-cc}" -std=gnu11 -DCMEM_DEBUG=$debug -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only -x c c/*.h ||
        fail "a header does not compile by itself (CMEM_DEBUG=$debug)"
done
exit $failed
