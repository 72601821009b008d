#!/bin/bash

# Coverage of our C by the unit tests and the tests of nginx together:
# build/cover-report/index.html.  Fails when a number is below its mark.
# Environment: see Makefile.

set -eu -o pipefail

report=$BUILD/cover-report
mkdir -p "$report"
find "$BUILD" -name '*.gcda' -delete

tools/unit.sh cover
tools/build-static.sh cover
tools/prove.sh cover

# workers write their counts when they exit
gcovr -r . --filter '(ws|token|store|http)/' \
    --filter ngx_http_token_module.c \
    --json "$report/cover.json" --html-details "$report/index.html" \
    --txt "$report/cover.txt" "$BUILD/unit-cover" "$BUILD/cover/"

failed=0

mark() {
    local name=$1 kind=$2 least=$3 said
    shift 3

    if said=$(gcovr -r . -a "$report/cover.json" "$@" --print-summary \
        --txt "$report/part.txt" --fail-under-"$kind" "$least" 2>&1)
    then
        said="ok - $name:$(sed -n "s/^${kind}[a-z]*://p" <<<"$said")"
    else
        said="not ok - $name:$(sed -n "s/^${kind}[a-z]*://p" <<<"$said")"
        failed=1
    fi

    echo "$said, at least $least%"
}

mark 'lines of the codec' line 95 --filter ws/
mark 'branches of the codec' branch 95 --filter ws/
mark 'lines of the folders free of nginx' line 95 --filter '(ws|token|store)/'
mark 'lines of all' line 85

echo "see ${report#"$PWD"/}/index.html"
exit "$failed"
