#!/usr/bin/env bash
# Puts what the benchmarks printed (docs/results) into the documents: the fence that follows a line
# <!-- results/NAME.txt --> holds that file. usage: results.sh [write]; without "write" it fails
# where a fence holds something else.
set -euo pipefail

cd "$(dirname "$0")/../.."
status=0
for doc in $(grep -l '^<!-- results/.*\.txt -->$' docs/*.md README.md); do
    new=$(mktemp)
    awk '
        /^<!-- results\/.*\.txt -->$/ { file = "docs/" $2 }
        !inside { print }
        /^```/ {
            if (inside) { inside = 0; print }
            else if (file != "") {
                while ((got = (getline line < file)) > 0) print line
                if (got < 0) { print "results.sh: no " file > "/dev/stderr"; exit 1 }
                close(file); file = ""; inside = 1
            }
        }
    ' "$doc" >"$new"
    if [[ ${1-} == write ]]; then
        cp "$new" "$doc"
    elif ! diff -u "$doc" "$new"; then
        echo "results.sh: $doc has other figures than docs/results: run tests/scripts/results.sh write"
        status=1
    fi
    rm -f "$new"
done
exit $status
