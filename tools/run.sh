#!/bin/bash

# Serves the tutorial in the foreground: examples/tutorial.conf, with its
# places filled in, from build/run.  Environment: PORT, WORKERS, STORE, and see
# Makefile.

set -eu -o pipefail

top=$PWD
run=$BUILD/run
store=$STORE
case $store in
    /*) ;;
    *) store=$top/$store ;;
esac

mkdir -p "$run" "$store"

# The workers are whoever started this: the store and the pages are theirs.
user=
[ "$(id -u)" -ne 0 ] || user='user root;'

fill() {
    sed -e "s|@LOAD_MODULE@|load_module $MODULE;|" \
        -e "s|@USER@|$user|" \
        -e "s|@WORKERS@|$WORKERS|" \
        -e "s|@PREFIX@|$run|" \
        -e "s|@ERROR_LOG@|stderr|" \
        -e "s|@MIME_TYPES@|/etc/nginx/mime.types|" \
        -e "s|@STORE@|$store|" \
        -e "s|@PORT@|$PORT|" \
        -e "s|@HTML@|$top/html|" \
        -e "s|@USERS@|$top/examples/users|" \
        examples/tutorial.conf
}

fill >"$run/nginx.conf"

nginx=(nginx -p "$run/" -e stderr -c "$run/nginx.conf")

# what is wrong is said before anything is served
"${nginx[@]}" -t -q

echo "The tutorial is at http://127.0.0.1:$PORT/ ($WORKERS workers," \
     "store in ${store#"$top"/}); Ctrl-C ends it."

exec "${nginx[@]}" -g 'daemon off;'
