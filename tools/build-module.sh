#!/bin/bash

# Builds the dynamic module for the nginx that is installed, with Debian's
# nginx-dev, in build/nginx-VERSION.  Configures only when that is new, or
# nginx or `config` has changed.  Environment: see Makefile.

set -eu -o pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL

# two at a time would spoil each other's configure
mkdir -p "$BUILD"
exec 9>"$BUILD/.lock"
flock 9

top=$PWD
dev=/usr/share/nginx/src

version=$(nginx -v 2>&1)
version=${version##*/}
version=${version%% *}
out=$BUILD/nginx-$version
# config lists whatever files there are
stamp=$(nginx -V 2>&1 | cat - $dev/conf_flags config <(ls -- */*.[ch]) | cksum)

if [ ! -e "$out/stamp" ] || [ "$(<"$out/stamp")" != "$stamp" ]; then
    rm -rf "$out"
    mkdir -p "$out"
    log=$out/configure.log

    (
        cd $dev
        # shellcheck source=/dev/null
        . ./conf_flags
        ./configure "${NGX_CONF_FLAGS[@]}" --with-cc-opt="-g -O2 -fPIC" \
            --with-ld-opt="-Wl,-z,relro -Wl,-z,now -fPIC" \
            --add-dynamic-module="$top" --builddir="$out"
    ) >"$log" 2>&1 </dev/null || { tail -n 5 "$log" >&2; exit 1; }

    echo "$stamp" >"$out/stamp"
fi

# The warnings join here, not in --with-cc-opt: configure's own probes would
# fail on them.
cflags=$(sed -n 's/^CFLAGS = *//p' "$out/Makefile")

make -s -j "$JOBS" -f "$out/Makefile" -C $dev modules \
    CFLAGS="$cflags $WARNINGS" </dev/null

if ! cmp -s "$out/ngx_http_token_module.so" "$MODULE"; then
    cp "$out/ngx_http_token_module.so" "$MODULE.tmp"
    mv "$MODULE.tmp" "$MODULE"
    echo "built ${MODULE#"$top"/} for nginx $version"
fi
