#!/bin/bash

# The tests of the JavaScript client: types, and units.  Environment: see
# Makefile.

set -eu -o pipefail

. tools/npm.sh
cd t
node_modules/.bin/tsc --noEmit -p tsconfig.json
node --test --test-reporter=spec js/*.test.js </dev/null
