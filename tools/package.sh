#!/bin/bash

# The npm package of the client, with its types: $1 (default build), from a copy
# of html/, in which nothing is left behind.  Prints the name of the file.
# Environment: see Makefile.

set -eu -o pipefail

top=$PWD
to=${1:-$BUILD}
copy=$(mktemp -d)
trap 'rm -rf -- "$copy"' EXIT

mkdir -p "$to"
to=$(cd "$to" && pwd)

cp -R html/token html/token*.js html/package.json LICENSE "$copy"
mv "$copy/token/README.md" "$copy/README.md"
cd "$copy"

# prepack has tsc write the types
PATH=$top/t/node_modules/.bin:$PATH \
    npm pack --silent --offline --pack-destination "$to"
