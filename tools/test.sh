#!/bin/bash

# Every test there is, each part in a fresh process; a part that fails does not
# keep the next from running, but fails the whole.  PARTS="unit js" picks some.
# Environment: see Makefile.

set -eu -o pipefail

parts=${PARTS:-build check unit tsan js perl valgrind asan fuzz browser faults catches bench}

passed=0
failed=()
slow=()

part() {
    local name=$1 from=$SECONDS
    shift
    [[ " $parts " == *" $name "* ]] || return 0

    echo
    echo "== $name"

    if "$@"; then
        passed=$((passed + 1))
    else
        failed+=("$name")
        echo "== $name FAILED"
    fi

    slow+=("$name $((SECONDS - from)) s")
}

asan() {
    tools/build-static.sh asan && tools/prove.sh asan
}

fuzz() {
    FUZZ_TIME=5 tools/fuzz.sh
}

tools/setup.sh check

part build tools/build-module.sh
part check tools/check.sh
part unit tools/unit.sh
part tsan tools/unit.sh tsan
part js tools/js.sh
part perl tools/prove.sh module
part valgrind tools/valgrind.sh
part asan asan
part fuzz fuzz
part browser tools/browser.sh
part faults tools/faults.sh
part catches tools/faults.sh catches
part bench tools/bench.sh test

echo
printf '%s\n' "${slow[@]}"

if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}"
fi

echo "$passed passed, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ]
