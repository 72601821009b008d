#!/bin/bash

# The tests of the pages, in Debian's chromium, against the module in Debian's
# nginx.  Environment: see Makefile.

set -eu -o pipefail

. tools/npm.sh
cd t
# two files at a time: they wait most of their time, each for a browser of its own
TOKEN_MODULE=$MODULE node --test --test-concurrency=2 --test-reporter=spec \
    browser/*.test.js </dev/null
