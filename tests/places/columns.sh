#!/usr/bin/env bash
# columns.sh: no line of code or comment has more than 120 characters, and none of a document more
# than 160, unless it is a row of a table, in a code fence, or generated. (A tab is one character.
# What Go and make need in one line may be longer: build constraints, and what `make` lists.)
set -euo pipefail
export LC_ALL=C.UTF-8
mapfile -t code < <(find Makefile c cmem go internal examples tests bench -name '*.[chs]' -o -name '*.go' \
    -o -name '*.sh' -o -name Makefile)
mapfile -t documents < <(find README.md docs examples -name '*.md')
[[ ${#code[@]} -gt 400 && ${#documents[@]} -gt 10 ]] || { echo 'FAILED: where are the files?'; exit 1; }

found=$(
    grep -HnE '^.{121,}' "${code[@]}" | grep -vE '^[^:]*:[0-9]+:(//go:build |[a-z-]+:.* ## )'
    awk 'FNR == 1 { fence = generated = 0 }
        /^ *```/ { fence = !fence }
        /^<!-- .* begin -->/ { generated = 1 }
        /^<!-- .* end -->/ { generated = 0 }
        !fence && !generated && !/^ *\|/ { print FILENAME ":" FNR ":" $0 }' "${documents[@]}" |
        grep -E '^[^:]*:[0-9]+:.{161,}'
) || true
[[ -z $found ]] || { printf 'FAILED: too long: %s\n' "${found//$'\n'/$'\n'FAILED: too long: }"; exit 1; }
