#!/usr/bin/env bash
# skips.sh: run-go.sh counts subtests too, and names those that were skipped.
set -euo pipefail
command -v go >/dev/null || { echo 'no go'; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/tests/scripts" "$dir/some"
cp tests/scripts/run-go.sh "$dir/tests/scripts"
cd "$dir"
export GOWORK=off GOFLAGS=
printf 'module github.com/gocmem/cmem\n\ngo 1.24\n' >go.mod
cat >some/some_test.go <<'EOF'
package some

import "testing"

func TestMatrix(t *testing.T) {
	t.Run("here", func(t *testing.T) {})
	t.Run("there", func(t *testing.T) {
		t.Run("below", func(t *testing.T) { t.Skip("nothing to see") })
	})
	t.Run("nowhere", func(t *testing.T) { t.Skip("no such place") })
}

func TestSkipped(t *testing.T) { t.Skip("as a whole") }
EOF
output=$(tests/scripts/run-go.sh some-tests ./...)
for want in \
    'some-tests: 3 tests passed, 0 failed, 3 skipped; 1 packages passed, 0 failed' \
    '--- SKIP: TestMatrix/nowhere ' '--- SKIP: TestMatrix/there/below ' '--- SKIP: TestSkipped '; do
    grep -qF -e "$want" <<<"$output" || { printf 'run-go.sh does not print "%s":\n%s\n' "$want" "$output" >&2; exit 1; }
done
