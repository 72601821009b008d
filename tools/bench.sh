#!/bin/bash

# Measures the module beside other servers: bench/results.json and
# bench/results.html.
#
#     tools/bench.sh           all of it, or ONLY a part or several with commas
#     tools/bench.sh test      it ends what it has started
#
# Environment: ONLY; ROUNDS and SECS of each measurement; and see Makefile.

set -eu -o pipefail

make -s -f bench/bench.mk

. tools/npm.sh

if [ "${1-}" = test ]; then
    exec node --test t/bench/*.test.mjs </dev/null
fi

stamp=bench/node_modules/.stamp
sum=$(cksum <bench/package-lock.json)

if [ ! -e "$stamp" ] || [ "$(<"$stamp")" != "$sum" ]; then
    echo "Installing npm packages into bench/node_modules"
    (cd bench && npm ci --no-audit --no-fund --loglevel=error </dev/null)
    echo "$sum" >"$stamp"
fi

exec node bench/bench.mjs "$ONLY"
