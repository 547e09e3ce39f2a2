#!/usr/bin/env bash
# run-plain.sh COMMAND...: runs each program or script by itself. Exit status 0 means passed, 77
# that it cannot run here (it prints why); anything else has failed, as has one that is not through
# after five minutes: a hang is a fault that is looked for.
set -euo pipefail
ulimit -c 0

passed=0 skipped=0 failed=0
for command; do
    log=build/plain/$(tr / . <<<"$command").log status=0
    mkdir -p build/plain
    timeout --kill-after=5 300 "$command" >"$log" 2>&1 || status=$?
    case $status in
    0) passed=$((passed + 1)) ;;
    77)
        skipped=$((skipped + 1))
        printf '%s: skipped: %s\n' "$command" "$(tail -n 1 "$log")"
        ;;
    *)
        failed=$((failed + 1))
        cat "$log" >&2
        [[ $status -ne 124 ]] || status='124 (it hangs)'
        printf '%s: FAILED, exit status %s\n' "$command" "$status" >&2
        ;;
    esac
done

echo "plain: $passed passed, $skipped skipped, $failed failed" | tee -a build/summary
[[ $failed -eq 0 && $passed -gt 0 ]]
