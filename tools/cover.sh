#!/bin/bash

# Line coverage of our C by the unit tests and the tests of nginx together:
# build/cover-report/index.html.  Environment: see Makefile.

set -eu -o pipefail

report=$BUILD/cover-report
mkdir -p "$report"
find "$BUILD" -name '*.gcda' -delete

tools/unit.sh cover
tools/build-static.sh cover
tools/prove.sh cover

# workers write their counts when they exit
gcovr -j "$JOBS" -r . --filter '(ws|token|store|http)/' \
    --filter ngx_http_token_module.c --gcov-ignore-parse-errors \
    --html-details "$report/index.html" --txt "$report/cover.txt" \
    "$BUILD/unit-cover" "$BUILD/cover/"
tail -n 3 "$report/cover.txt"
echo "see ${report#"$PWD"/}/index.html"
