#!/usr/bin/env bash
# go-releases.sh NAME ARGUMENT...: run-go.sh with these arguments for each Go release that the fast
# path was built for, but the one that `go` is already. The first is the one that go.mod asks for;
# of the others it is a late one. A release that is not here and cannot be fetched is left out, and
# named.
set -euo pipefail
cd "$(dirname "$0")/../.."

releases=(go1.24.0 go1.25.12 go1.26.8 go1.27.4)
name=$1
shift
have=$(go env GOVERSION)
for release in "${releases[@]}"; do
    [[ $have != "${release%.*}" && $have != "${release%.*}".* ]] || continue
    if ! said=$(GOTOOLCHAIN=$release go version 2>&1); then
        echo "$name: $release is left out: ${said##*$'\n'}" | tee -a build/summary
        continue
    fi
    GOTOOLCHAIN=$release tests/scripts/run-go.sh "$name-$release" "$@"
done
