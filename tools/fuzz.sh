#!/bin/bash

# Builds the fuzz targets and runs each for FUZZ_TIME seconds, from its corpus
# in t/fuzz/corpus/NAME.  What it finds beyond that is kept in build/fuzz/NAME.
# Environment: see Makefile.

set -eu -o pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL

# a corpus under another name would not be missed
if ! diff <(basename -s .c -a t/fuzz/*.c) <(basename -a t/fuzz/corpus/*); then
    echo "not ok - each target has a corpus of its name" >&2
    exit 1
fi

make -s -j "$JOBS" -f tools/unit.mk KIND=fuzz </dev/null

run() {
    local name=$1 found=$BUILD/fuzz/$1 log=$BUILD/fuzz/$1.log
    mkdir -p "$found"

    if "$BUILD/unit-fuzz/$name" -max_total_time="$FUZZ_TIME" -timeout=10 \
        -rss_limit_mb=2048 -artifact_prefix="$found/" -print_final_stats=1 \
        "$found" "t/fuzz/corpus/$name" >"$log" 2>&1 </dev/null
    then
        echo "ok - $name: $(sed -n \
            's/^stat::number_of_executed_units: *//p' "$log") runs"
    else
        echo "not ok - $name: see ${log#"$PWD"/}"
        tail -n 40 "$log"
        return 1
    fi
}

export -f run

find t/fuzz -maxdepth 1 -name '*.c' -printf '%f\n' | sed 's/\.c$//' | sort \
    | xargs -r -P "$JOBS" -I {} bash -eu -o pipefail -c 'run {}'
