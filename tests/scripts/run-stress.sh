#!/usr/bin/env bash
# run-stress.sh build/VARIANT/PROGRAM...: runs stress programs, each for a bounded time or number of operations.
# CMEM_SEED, CMEM_STRESS_SECONDS and CMEM_STRESS_OPS reach them; each prints its seed, which its log keeps.
set -euo pipefail
ulimit -c 0

export ASAN_OPTIONS=detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

passed=0 failed=0
for program; do
    case $program in
    build/valgrind/*)
        bound=CMEM_STRESS_OPS=${CMEM_STRESS_OPS:-20000}
        # A forked child has lost what its parent's other threads were holding, such as a region on its way to the heap.
        leaks=full
        [[ $program != */stress_fork ]] || leaks=no
        under=(valgrind --quiet --error-exitcode=99 --leak-check=$leaks)
        ;;
    build/asan/* | build/tsan/*)
        bound=CMEM_STRESS_SECONDS=${CMEM_STRESS_SECONDS:-8}
        under=(tests/scripts/fixed-layout.sh)
        ;;
    *)
        bound=CMEM_STRESS_SECONDS=${CMEM_STRESS_SECONDS:-4}
        under=()
        ;;
    esac

    start=$SECONDS status=0
    env "$bound" timeout 120 "${under[@]}" "$program" >"$program.log" 2>&1 || status=$?
    if [[ $status -eq 0 ]]; then
        passed=$((passed + 1))
        printf '%s: passed in %d s\n' "$program" $((SECONDS - start))
    else
        failed=$((failed + 1))
        cat "$program.log" >&2
        printf '%s: FAILED, exit status %d\n' "$program" "$status" >&2
    fi
done

echo "stress: $passed passed, $failed failed" | tee -a build/summary
[[ $failed -eq 0 ]]
