#!/usr/bin/env bash
# thp.sh: transparent huge pages bring back what was given back; the heap finds out, and has none
# there. For programs that ask malloc for them (glibc.malloc.hugetlb=1), as that leaves the other
# programs of the machine alone; THP=always tries it for all.
set -euo pipefail

thp=/sys/kernel/mm/transparent_hugepage
cannot() {
    echo "$1"
    exit 77
}
[[ -w $thp/enabled && -w $thp/khugepaged/pages_to_scan ]] || cannot 'the settings of huge pages cannot be changed here'
tmp=$(mktemp -d)
enabled=$(sed 's/.*\[\(.*\)\].*/\1/' "$thp/enabled")
scan=$(<"$thp/khugepaged/pages_to_scan") sleep=$(<"$thp/khugepaged/scan_sleep_millisecs")
restore() {
    rm -rf "$tmp"
    echo "$enabled" >"$thp/enabled"
    echo "$scan" >"$thp/khugepaged/pages_to_scan"
    echo "$sleep" >"$thp/khugepaged/scan_sleep_millisecs"
}
trap restore EXIT
"$CC" -std=gnu11 -O2 -pthread -Ic tests/places/all/thp.c "${LIBCMEM:-build/release/libcmem.a}" -o "$tmp/thp"
{
    echo "${THP:-madvise}" >"$thp/enabled"
    echo 100000 >"$thp/khugepaged/pages_to_scan"
    echo 100 >"$thp/khugepaged/scan_sleep_millisecs"
} 2>/dev/null || cannot 'the settings of huge pages cannot be changed here'
status=0
if [[ ${THP:-madvise} == always ]]; then
    "$tmp/thp" 10 || status=$?
else
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1 "$tmp/thp" 10 || status=$?
fi
[[ $status -ne 77 ]] || cannot 'the kernel makes no huge pages here'
exit "$status"
