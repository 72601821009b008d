#!/bin/bash

# Builds the fuzz targets and runs each for FUZZ_TIME seconds, from its corpus
# in t/fuzz/corpus/NAME, if there is one.  What it finds beyond that is kept
# in build/fuzz/NAME.  Environment: see Makefile.

set -eu -o pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL

make -s -j "$JOBS" -f tools/unit.mk KIND=fuzz </dev/null

run() {
    local name=$1 seeds=() found=$BUILD/fuzz/$1 log=$BUILD/fuzz/$1.log
    mkdir -p "$found"
    [ ! -d "t/fuzz/corpus/$name" ] || seeds=("t/fuzz/corpus/$name")

    if "$BUILD/unit-fuzz/$name" -max_total_time="$FUZZ_TIME" -timeout=10 \
        -rss_limit_mb=2048 -artifact_prefix="$found/" -print_final_stats=1 \
        "$found" "${seeds[@]}" >"$log" 2>&1 </dev/null
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
