#!/bin/bash

# The fault harness: FAULTS_TIME seconds of random commands against workers
# that are killed, stopped, reloaded and cut off.  SEED repeats the choices of
# an earlier run.
#
#     tools/faults.sh           a run, and the tests of its checker
#     tools/faults.sh catches   modules that break one guarantee are noticed
#
# Environment: see Makefile.

set -eu -o pipefail

. tools/npm.sh

if [ "${1-}" = catches ]; then
    exec node --test t/faults/catches.test.mjs </dev/null
fi

seed=()
[ -z "${SEED-}" ] || seed=(--seed "$SEED")

node --test t/faults/checker.test.mjs </dev/null
TOKEN_MODULE=$MODULE node t/faults/run.mjs --seconds "${FAULTS_TIME:-45}" \
    "${seed[@]}" </dev/null
