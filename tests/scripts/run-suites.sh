#!/usr/bin/env bash
# run-suites.sh SUITE...: runs Criterion suites and adds up what they say they ran. The exit status alone proves
# little: Criterion returns 0 for a suite without a test.
set -euo pipefail
ulimit -c 0

tests=0 failed=0
for suite; do
    printf '%s\n' "$suite"
    log=$suite.log status=0
    timeout 300 "$suite" --timeout 120 >"$log" 2>&1 || status=$?
    cat "$log"
    count=$(sed -n 's/.*Synthesis: Tested: *\([0-9]*\).*/\1/p' "$log" | tail -n 1)
    tests=$((tests + ${count:-0}))
    if [[ $status -ne 0 || ${count:-0} -eq 0 ]]; then
        failed=$((failed + 1))
        echo "$suite: FAILED: exit status $status, ${count:-no} tests run" >&2
    fi
done

echo "test-c: $tests tests in $# suites, $failed suites failed" | tee -a build/summary
[[ $failed -eq 0 ]]
