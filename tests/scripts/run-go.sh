#!/usr/bin/env bash
# run-go.sh NAME ARGUMENT...: go test with these arguments. Shows each package's result, the whole output of one that
# failed and the names of skipped tests, and counts what was run: go test returns 0 where there is no test at all.
#
# -count=1: no cached result, for the tests run programs and libraries that the cache does not know of.
# -vet=off: `make lint` has seen to that.
set -euo pipefail
name=$1
shift
build=$(realpath "$(dirname "$0")/../..")/build
mkdir -p "$build"

go test -v -count=1 -vet=off -timeout=5m "$@" 2>&1 | awk -v name="$name" '
    /^ok  \t/   { ok++; print; output = ""; next }
    /^\?   \t/  { output = ""; next }
    /^FAIL\t/   { bad++; printf "%s", output; print; output = ""; next }
    /^--- PASS/ { passed++ }
    /^--- FAIL/ { failed++ }
    /^--- SKIP/ { skipped++; print }
                { output = output $0 "\n" }
    END {
        printf "%s", output
        printf "%s: %d tests passed, %d failed, %d skipped; %d packages passed, %d failed\n",
            name, passed, failed, skipped, ok, bad
        exit bad > 0 || passed == 0
    }' | tee >(tail -n 1 >>"$build/summary")
