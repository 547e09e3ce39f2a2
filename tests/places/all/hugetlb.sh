#!/usr/bin/env bash
# hugetlb.sh: glibc's malloc over huge pages of the pool (glibc.malloc.hugetlb=2), of which the
# kernel gives nothing but whole ones back: what must be zero is.
set -euo pipefail

pool=/proc/sys/vm/nr_hugepages want=200
cannot() {
    echo "$1"
    exit 77
}
[[ -r $pool ]] || cannot 'this kernel has no huge pages'
before=$(<"$pool")
trap 'echo "$before" >"$pool" || true' EXIT
{ echo $((before + want)) >"$pool"; } 2>/dev/null || cannot 'nr_hugepages cannot be raised'
[[ $(<"$pool") -ge $((before + want)) ]] || cannot "there is no memory for $want huge pages"
# How many of them the program has at its end is not known: but it must have had some.
for program in build/debug/plain/calloc build/release/plain/calloc; do
    CMEM_CALLOC_MOST=5000000 CMEM_STRESS_OPS=500 GLIBC_TUNABLES=glibc.malloc.hugetlb=2 "$program" &
    used=0
    while kill -0 $! 2>/dev/null; do
        free=$(awk '/HugePages_Free/ { print $2 }' /proc/meminfo)
        [[ $free -lt $((before + want)) ]] && used=1
        sleep 0.05
    done
    wait $!
    [[ $used -eq 1 ]] || cannot 'glibc takes no huge pages here'
done
