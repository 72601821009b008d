#!/bin/bash

# Serves the tutorial in the foreground, or the example of that name in
# examples, with its places filled in, from build/run; and the example's backend,
# if it has one.  Environment: EXAMPLE, PORT, WORKERS, STORE, BACKEND_PORT, and
# see Makefile.

set -eu -o pipefail

top=$PWD
run=$BUILD/run
example=${EXAMPLE:-tutorial}
store=$STORE
case $store in
    /*) ;;
    *) store=$top/$store ;;
esac

conf=examples/$example/nginx.conf
[ "$example" != tutorial ] || conf=examples/tutorial.conf

if [ ! -f "$conf" ]; then
    echo "There is no example \"$example\": see examples." >&2
    exit 1
fi

mkdir -p "$run" "$store"

# The workers are whoever started this: the store and the pages are theirs.
user=
[ "$(id -u)" -ne 0 ] || user='user root;'

tutorial() {
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
        "$conf"
}

# The other examples are as one would write them on a server.
example() {
    local temp name

    temp="access_log off;"
    for name in client_body proxy fastcgi uwsgi scgi; do
        temp="$temp ${name}_temp_path $run/$name;"
    done

    echo "$user worker_processes $WORKERS; pid $run/nginx.pid;"
    echo "error_log stderr warn;"
    sed -e "s|^load_module .*|load_module $MODULE;|" \
        -e "s|^http {|& $temp|" \
        -e "s|/var/lib/nginx/token|$store|" \
        -e "s|/srv/$example|$run/$example|" \
        -e "s|/etc/nginx/$example.users|$top/examples/users|" \
        -e "s|listen  8080|listen  $PORT|" \
        -e "s|127.0.0.1:9090|127.0.0.1:$BACKEND_PORT|" \
        "$conf"
}

if [ "$example" = tutorial ]; then
    tutorial >"$run/nginx.conf"

else
    example >"$run/nginx.conf"

    # its page, beside the client
    rm -rf "${run:?}/$example"
    mkdir "$run/$example"
    ln -s "$top"/html/token* "$top/examples/$example"/*.html "$run/$example"
fi

nginx=(nginx -p "$run/" -e stderr -c "$run/nginx.conf")

# what is wrong is said before anything is served
"${nginx[@]}" -t -q

# A backend ends with nginx, however that ends: the master and the workers hold
# the other end of its pipe.
backend=examples/$example/$example.mjs

if [ -f "$backend" ]; then
    if ! command -v node >/dev/null; then
        echo "The backend of the $example needs Node.js 18." >&2
        exit 1
    fi

    exec 9> >(
        # Ctrl-C is for nginx, which would take a signal of its child for a crash
        trap '' INT
        PORT=$BACKEND_PORT JOURNAL=$store/$example.journal node "$backend" &
        echo $! >"$run/backend.pid"
        cat
        kill %1 2>/dev/null
    )
fi

echo "The $example is at http://127.0.0.1:$PORT/ ($WORKERS workers," \
     "store in ${store#"$top"/}); Ctrl-C ends it."

exec "${nginx[@]}" -g 'daemon off;'
