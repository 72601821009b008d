#!/bin/bash

# Builds and runs the unit tests, with sanitizers:  tools/unit.sh [KIND]
# Environment: see Makefile.

set -eu -o pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL

kind=${1-asan}
make -s -j "$JOBS" -f tools/unit.mk KIND="$kind" </dev/null

tests=()
for t in t/unit/*_test.c; do
    t=${t#t/unit/}
    tests+=("$BUILD/unit-$kind/${t%.c}")
done

export CMOCKA_MESSAGE_OUTPUT=TAP
export UBSAN_OPTIONS=print_stacktrace=1
prove -j "$JOBS" --exec '' "${tests[@]}" </dev/null
