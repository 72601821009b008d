#!/bin/bash

# Runs the tests of nginx with the module in it:
#
#     tools/prove.sh module | asan | cover  [TEST ...]
#
# on the distribution's nginx with the dynamic module, or on a static build.
# Environment: see Makefile.

set -eu -o pipefail

kind=$1
shift
[ $# -gt 0 ] || set -- t/*.t

case $kind in
    module) export TOKEN_NGINX=nginx TOKEN_MODULE=$MODULE ;;
    *) export TOKEN_NGINX=$BUILD/$kind/nginx TOKEN_MODULE= ;;
esac

exec prove --timer -j "$PROVE_JOBS" -It/lib "$@" </dev/null
