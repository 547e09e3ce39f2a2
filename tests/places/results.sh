#!/usr/bin/env bash
# The figures in the documents are those that the benchmarks printed.
exec "$(dirname "$0")/../scripts/results.sh"
