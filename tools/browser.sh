#!/bin/bash

# The tests of the pages, in Debian's chromium, against the module in Debian's
# nginx.  Environment: see Makefile.

set -eu -o pipefail

. tools/npm.sh
cd t
TOKEN_MODULE=$MODULE node --test --test-reporter=spec browser/*.test.js </dev/null
