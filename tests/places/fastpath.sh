#!/usr/bin/env bash
# fastpath.sh: cmem_alloc and cmem_free of the release library have no instruction for the tools
# that watch the memory: their machine code names neither the variable that tells which one runs nor
# what it is told by. (Slow paths are functions of their own.)
set -euo pipefail
command -v objdump >/dev/null || { echo 'no objdump here'; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

objdump -dr --no-show-raw-insn build/lib/libcmem.a >"$dir/code"
for function in cmem_alloc cmem_free; do
    awk -v name="<$function>:" '$2 == name { found = 1 } /^$/ { found = 0 } found' "$dir/code" >"$dir/function"
    [[ $(wc -l <"$dir/function") -gt 20 ]] || { echo "FAILED: no code of $function in the archive"; exit 1; }
    if grep -E 'cmem__tool|cmem__cacheless|cmem__wrote|poison|[alm]san' "$dir/function"; then
        echo "FAILED: this is in $function"
        exit 1
    fi
done
