#!/usr/bin/env bash
# tidy.sh: go mod tidy in every module of the repository. By itself it heeds no go.work and asks the
# proxy for the other modules, at versions that may not be out yet. So it is given a copy of go.mod
# that has their directories instead.
set -euo pipefail
cd "$(dirname "$0")/../.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mapfile -t dirs < <(git ls-files '*go.mod' | xargs dirname)

replace=() drop=()
for dir in "${dirs[@]}"; do
    path=$(sed -n 's/^module //p' "$dir/go.mod")
    replace+=("-replace=$path=$PWD/$dir") drop+=("-dropreplace=$path")
done

for dir in "${dirs[@]}"; do
    cp "$dir/go.mod" "$copy/tidy.mod"
    cat "$dir/go.sum" >"$copy/tidy.sum" 2>/dev/null || true
    go mod edit "${replace[@]}" "$copy/tidy.mod"
    GOWORK=off tests/scripts/in-module.sh "$dir" go mod tidy -modfile="$copy/tidy.mod"
    go mod edit "${drop[@]}" "$copy/tidy.mod"
    cp "$copy/tidy.mod" "$dir/go.mod"
    if [[ -s $copy/tidy.sum ]]; then cp "$copy/tidy.sum" "$dir/go.sum"; fi
done

# What the workspaces have to load besides what their modules' go.sum files name.
for work in $(git ls-files '*go.work'); do
    rm -f "$work.sum"
    tests/scripts/in-module.sh "$(dirname "$work")" go list -m all >/dev/null
done
