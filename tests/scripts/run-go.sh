#!/usr/bin/env bash
# run-go.sh NAME FLAG... PACKAGES...: go test with these arguments. Shows each package's result, the
# whole output of one that failed and the names of skipped tests, and counts what was run, subtests
# too: go test returns 0 where there is no test at all.
#
# -count=1: no cached result, for the tests run programs and libraries that the cache does not know of.
# -vet=off: `make lint` has seen to that.
set -euo pipefail
name=$1
shift
root=$(realpath "$(dirname "$0")/../..")
mkdir -p "$root/build"
answers=$(mktemp)
trap 'rm -f "$answers"' EXIT

# not_built FLAG... PACKAGE: by their build constraints these flags leave out all files of the package.
not_built() {
    local flags=() argument
    for argument; do
        [[ $argument != -* ]] || flags+=("$argument")
    done
    [[ $(go list "${flags[@]}" "${@: -1}" 2>&1) == *'build constraints exclude all Go files'* ]]
}

# A package that go test was not asked about fails nothing. So each directory with a test is to be
# among those it answered for, in the modules that a DIRECTORY/... names; but for testdata and the
# modules below, which are named by themselves.
check_answers() {
    local dir package missing=0 argument
    for argument; do
        [[ $argument == */... ]] || continue
        while read -r dir; do
            package=$(realpath -m --relative-to="$root" "$dir")
            package=github.com/gocmem/cmem/$package
            if ! grep -qxF "$package" "$answers" && ! not_built "$@" "$package"; then
                echo "$name: $package has tests, and none was run" >&2
                missing=1
            fi
        done < <(find "${argument%/...}" -mindepth 1 \
            \( -name '.?*' -o -name '_*' -o -name testdata -o -type d -exec test -e '{}/go.mod' \; \) -prune \
            -o -name '*_test.go' -printf '%h\n' | sort -u)
    done
    return $missing
}

go test -v -count=1 -vet=off -timeout=10m "$@" 2>&1 | awk -v name="$name" -v answers="$answers" '
    /^(ok  |\?   |FAIL)\t/ { print $2 >answers }
    /^ok  \t/   { ok++; print; output = ""; next }
    /^\?   \t/  { output = ""; next }
    /^FAIL\t/   { bad++; printf "%s", output; print; output = ""; next }
    /^ *--- PASS/ { passed++ }
    /^ *--- FAIL/ { failed++ }
    /^ *--- SKIP/ { skipped++; print }
                { output = output $0 "\n" }
    END {
        printf "%s", output
        printf "%s: %d tests passed, %d failed, %d skipped; %d packages passed, %d failed\n",
            name, passed, failed, skipped, ok, bad
        exit bad > 0 || passed == 0
    }' | tee >(tail -n 1 >>"$root/build/summary")
check_answers "$@"
