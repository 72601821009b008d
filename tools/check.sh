#!/bin/bash

# Static analysis: compiler warnings, cppcheck, clang-tidy, style, scripts,
# types, instructions of the hot paths.  Every check is made, and any that fails
# makes the whole fail.  Environment: see Makefile.

set -eu -o pipefail

failed=()

check() {
    local name=$1
    shift
    echo "== $name"
    "$@" || failed+=("$name")
}

c_files() {
    ls -- *.[ch] {http,ws,token,store,t/unit,t/fuzz}/*.[ch] \
        {examples,t}/handler/*.c
}

# out.c: there is something to send when it is called
run_cppcheck() {
    cppcheck -q -j "$JOBS" --std=c99 -I . --inline-suppr --error-exitcode=1 \
        --enable=warning,performance,portability --suppress=missingInclude \
        --suppress=negativeIndex:http/ngx_http_token_out.c \
        ./*.c http ws token store examples/handler t/handler
}

layout() {
    local bad

    bad=$(c_files | xargs grep -nHP '.{81}|\t| $|^\s*//' || :)
    [ -z "$bad" ] || { echo "$bad"; return 1; }
}

# clang-format is no judge here: it knows neither all of nginx's style nor its
# exceptions; but little of the code may differ from what it would write.
format() {
    local f all=0 differ=0

    for f in *.c {http,ws,token,store}/*.[ch] {examples,t}/handler/*.c; do
        all=$((all + $(wc -l <"$f")))
        differ=$((differ + $(diff -b <(idioms <"$f") \
            <(clang-format --style=file "$f" | idioms) | grep -c '^<' || :)))
    done

    echo "$differ of $all lines differ from clang-format's"
    [ $((differ * 100)) -le "$all" ]
}

idioms() {
    perl -pe 's/for \( (?:\/\* void \*\/ )?;/for (;/; s/\/\* void \*\/ ;/;/;
              s/for \(;; \)/for (;;)/; s/ ?\| ?/|/g'
}

scripts() {
    local f

    shellcheck -x -e SC2153 tools/*.sh .ci/run || return 1
    for f in t/*.t t/valgrind/*.t t/lib/Test/Token.pm t/lib/Test/Token/*.pm; do
        perl -It/lib -wc "$f" 2>&1 | grep -v ' syntax OK$' && return 1
    done
    return 0
}

types() {
    . tools/npm.sh
    t/node_modules/.bin/tsc --noEmit -p t/tsconfig.json
}

hot_paths() {
    . tools/npm.sh
    make -s -j "$JOBS" -f bench/bench.mk "$BUILD"/bench/{hot,load} \
        && node bench/hot.mjs check
}

check gcc tools/build-module.sh
check clang tools/build-module.sh clang
check cppcheck run_cppcheck
check clang-tidy tools/tidy.sh
check layout layout
check clang-format format
check scripts scripts
check types types
check hot hot_paths

echo
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
echo "all checks passed"
