#!/usr/bin/env bash
# in-module.sh DIRECTORY COMMAND...: runs it in the directory of a module that may need a newer Go
# than cmem does. Where there is none, and go is not to download one, it says so and is content.
set -euo pipefail
cd "$1"

if ! out=$(go list -m 2>&1) && [[ $out == *'requires go >='* ]]; then
    echo "$1 is left out: $out"
    exit 0
fi
exec "${@:2}"
