#!/bin/bash

# Builds and runs the unit tests, with sanitizers:  tools/unit.sh [KIND]
# With the thread sanitizer (tsan) only those that have threads.  Environment:
# see Makefile.

set -eu -o pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL

kind=${1-asan}
make -s -j "$JOBS" -f tools/unit.mk KIND="$kind" </dev/null

tests=()
for t in t/unit/*_test.c; do
    [ "$kind" != tsan ] || grep -q pthread_create "$t" || continue
    t=${t#t/unit/}
    tests+=("$BUILD/unit-$kind/${t%.c}")
done

export CMOCKA_MESSAGE_OUTPUT=TAP
export UBSAN_OPTIONS=print_stacktrace=1
prove -j "$JOBS" --exec '' "${tests[@]}" </dev/null
