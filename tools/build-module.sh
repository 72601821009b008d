#!/bin/bash

# Builds the dynamic module for the nginx that is installed, with Debian's
# nginx-dev, in build/nginx-VERSION.  Configures only when that is new, or
# nginx or `config` has changed.
#
#     tools/build-module.sh         the module, by gcc
#     tools/build-module.sh clang   only to see that clang builds it, too
#
# Along with it: the example of a handler, and the handlers of the tests.
#
# Environment: see Makefile.

set -eu -o pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL

# two at a time would spoil each other's configure
mkdir -p "$BUILD"
exec 9>"$BUILD/.lock"
flock 9

cc=${1-gcc}
top=$PWD
dev=/usr/share/nginx/src

version=$(nginx -v 2>&1)
version=${version##*/}
version=${version%% *}
out=$BUILD/nginx-$version
[ "$cc" = gcc ] || out=$BUILD/$cc-$version
# config lists whatever files there are
stamp=$(nginx -V 2>&1 \
    | cat - $dev/conf_flags config {examples,t}/handler/config \
        <(ls -- */*.[ch]) tools/build-module.sh | cksum)

if [ ! -e "$out/stamp" ] || [ "$(<"$out/stamp")" != "$stamp" ]; then
    rm -rf "$out"
    mkdir -p "$out"
    log=$out/configure.log

    (
        cd $dev
        # shellcheck source=/dev/null
        . ./conf_flags
        ./configure "${NGX_CONF_FLAGS[@]}" --with-cc="$cc" --with-cc-opt="-g -O2 -fPIC" \
            --with-ld-opt="-Wl,-z,relro -Wl,-z,now -fPIC" \
            --add-dynamic-module="$top" \
            --add-dynamic-module="$top/examples/handler" \
            --add-dynamic-module="$top/t/handler" --builddir="$out"
    ) >"$log" 2>&1 </dev/null || { tail -n 5 "$log" >&2; exit 1; }

    echo "$stamp" >"$out/stamp"
fi

# The warnings join here, not in --with-cc-opt: configure's own probes would
# fail on them.
cflags=$(sed -n 's/^CFLAGS = *//p' "$out/Makefile")
cflags="$cflags $WARNINGS"

# gcc, too, leaves parameters unused as nginx wants it, and looks for such casts
# only on machines that do not read unaligned words
[ "$cc" = gcc ] || cflags="$cflags -Wno-unused-parameter -Wno-cast-align"

make -s -j "$JOBS" -f "$out/Makefile" -C $dev modules \
    CFLAGS="$cflags" </dev/null

[ "$cc" = gcc ] || exit 0

for name in stamp_ test_ ''; do
    file=$BUILD/ngx_http_token_${name}module.so

    if ! cmp -s "$out/${file##*/}" "$file"; then
        cp "$out/${file##*/}" "$file.tmp"
        mv "$file.tmp" "$file"
        [ -n "$name" ] || echo "built ${file#"$top"/} for nginx $version"
    fi
done
