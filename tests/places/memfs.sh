#!/usr/bin/env bash
# memfs.sh: a malloc over shared memory, where pages that are given back keep their contents: what must be zero is.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$CC" -O2 -Wall -Wextra -Werror -shared -fPIC tests/places/memfs_malloc.c -o "$tmp/memfs.so" -ldl
CMEM_STRESS_OPS=500 CMEM_CALLOC_MOST=5000000 LD_PRELOAD=$tmp/memfs.so build/debug/plain/calloc
CMEM_STRESS_OPS=500 CMEM_CALLOC_MOST=5000000 LD_PRELOAD=$tmp/memfs.so build/release/plain/calloc
