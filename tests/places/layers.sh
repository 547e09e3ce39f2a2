#!/usr/bin/env bash
# layers.sh: the parts of the library stand in the order of c/layers.txt. No object refers to a symbol that a higher part defines, no
# header includes that of a higher one or, over others, itself, each header compiles alone, and no file is beyond 500 lines.
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

# upward FROM TO: whether part FROM may not know part TO.
upward() { ((${rank[$2]:--1} > ${rank[$1]:--1})); }

# Calls and variables: "PART SYMBOL" of what each object defines, and of what it refers to.
symbols() { # BUILD NM-OPTION...
    local file part
    for file in c/*.c; do
        part=${file#c/} part=${part%.c}
        nm -P "${@:2}" "build/$1/obj/$part.o" | awk -v part="$part" '{ print part, $1 }'
    done
}
calls=0
for build in release debug; do
    declare -A home=()
    while read -r part symbol; do home[$symbol]=$part; done < <(symbols $build --defined-only --extern-only)
    while read -r part symbol; do
        to=${home[$symbol]:-}
        [[ -n $to ]] || continue # the C library's
        calls=$((calls + 1))
        if upward "$part" "$to"; then fail "$build: $part.c refers to $symbol of $to.c, a higher part"; fi
    done < <(symbols $build --undefined-only)
done
[[ $calls -gt 100 ]] || fail "the objects refer to no more than $calls symbols of each other: nothing was tested"

# Includes. cmem.h is the lowest: it has types that all may use, and includes nothing.
rank[cmem.h]=-1
includes() { sed -n 's/^ *# *include "\(.*\)\.h".*/\1/p' "$1"; }
for file in c/*.[ch]; do
    part=${file#c/} part=${part%.?}
    for to in $(includes "$file"); do
        if [[ $to == cmem ]]; then continue; fi
        [[ -e c/$to.h ]] || fail "$file includes $to.h, which is not there"
        if upward "$part" "$to"; then fail "$file includes $to.h, of a higher part"; fi
        if [[ $file == *.h && $to == "$part" ]]; then fail "$file includes itself"; fi
    done
done
[[ -z $(includes c/cmem.h) ]] || fail 'c/cmem.h includes another header of ours'

# With each including only lower ones there is no cycle. But cmem.h is of the highest part, and that is seen by tsort.
for file in c/*.h; do
    part=${file#c/} part=${part%.h}
    echo "$part $part"
    for to in $(includes "$file"); do echo "$part $to"; done
done | tsort >/dev/null || fail 'the headers of c/ include each other in a circle'

for file in c/*.h; do
    for debug in 0 1; do
        "${CC:-cc}" -std=gnu11 -DCMEM_DEBUG=$debug -Wall -Wextra -Werror -fsyntax-only -x c - <<<"#include \"$PWD/$file\"" ||
            fail "$file does not compile by itself"
    done
done

# Length.
for file in c/* cmem/*; do
    [[ -f $file && $file != *_test.go ]] || continue
    lines=$(wc -l <"$file")
    [[ $lines -le 500 ]] || fail "$file has $lines lines: more than 500"
done
exit $failed
