#!/usr/bin/env bash
# qemu.sh: arm64 and riscv64 programs under qemu-user, which knows the kernel's calls for memory in
# part: releases work, moves do not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
ran=0
for arch in aarch64 riscv64; do
    cc=$arch-linux-gnu-gcc qemu=qemu-$arch-static
    if ! command -v "$cc" "$qemu" >/dev/null; then
        echo "$arch: no $cc or no $qemu"
        continue
    fi
    mkdir -p "$tmp/$arch"
    for source in c/*.c; do
        "$cc" -std=gnu11 -pthread -O1 -g -DCMEM_DEBUG=1 -c "$source" -o "$tmp/$arch/$(basename "$source" .c).o"
    done
    for program in stress_model stress_scavenge stress_threads stress_fork plain/calloc plain/use; do
        out=$tmp/$arch/program
        "$cc" -std=gnu11 -pthread -O1 -g -static -DCMEM_DEBUG=1 -Ic -Itests/c "tests/c/$program.c" \
            "$tmp/$arch"/*.o -o "$out"
        ops=2000
        [[ $program != plain/* ]] || ops=100
        CMEM_STRESS_OPS=$ops CMEM_CALLOC_MOST=5000000 "$qemu" "$out" >"$tmp/log" 2>&1 || {
            status=$?
            cat "$tmp/log"
            echo "$arch: $program: exit status $status"
            exit 1
        }
    done
    ran=$((ran + 1))
done
[[ $ran -gt 0 ]] || exit 77
