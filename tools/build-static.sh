#!/bin/bash

# Builds a static nginx with the module in it, and the modules with handlers:
#
#     tools/build-static.sh plain | asan | cover
#
# in build/KIND, the binary is build/KIND/nginx.  Environment: NGX_SRC (the
# folder of an nginx source, default: Debian's), and see Makefile.

set -eu -o pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL

# two at a time would spoil each other's configure
mkdir -p "$BUILD"
exec 9>"$BUILD/.lock"
flock 9

kind=$1
top=$PWD
src=${NGX_SRC:-$(tools/nginx-source.sh)}
src=$(cd "$src" && pwd)
version=$(sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' \
    "$src/src/core/nginx.h")
out=$BUILD/$kind-$version

sanitize="-fsanitize=address,undefined -fno-sanitize=nonnull-attribute
    -fno-omit-frame-pointer"

# nginx's own short cuts read words that are not aligned: they are left out
# where the sanitizer would report them
case $kind in
    plain) cc="-g -O2"; ld= ;;
    asan)
        cc="-g -O1 $sanitize -fno-sanitize-recover=undefined
            -DNGX_DEBUG_PALLOC=1 -DNGX_HAVE_NONALIGNED=0"
        ld=$sanitize ;;
    # nginx names its own headers by relative paths, which gcov would not find;
    # threads count in the same place, and what is lost may make it negative
    cover)
        cc="-g -O0 --coverage -fprofile-abs-path -fprofile-update=atomic"
        ld=--coverage ;;
    *) echo "tools/build-static.sh: unknown kind $kind" >&2; exit 2 ;;
esac

configure=./configure
[ -x "$src/configure" ] || configure=auto/configure

args=(--with-debug --with-threads --with-http_ssl_module
      --with-http_v2_module --with-http_auth_request_module
      --with-http_realip_module --with-http_stub_status_module
      --with-cc-opt="${cc//$'\n'/ }" --with-ld-opt="${ld//$'\n'/ }"
      --add-module="$top" --add-module="$top/examples/handler"
      --add-module="$top/t/handler" --builddir="$out")

stamp=$(echo "$src $version ${args[*]}" \
    | cat - config {examples,t}/handler/config <(ls -- */*.[ch]) | cksum)

if [ ! -e "$out/stamp" ] || [ "$(<"$out/stamp")" != "$stamp" ]; then
    rm -rf "$out"
    mkdir -p "$out"
    log=$out/configure.log

    (cd "$src" && ASAN_OPTIONS=detect_leaks=0 $configure "${args[@]}") \
        >"$log" 2>&1 </dev/null || { tail -n 5 "$log" >&2; exit 1; }

    echo "$stamp" >"$out/stamp"
fi

# nginx's own code does not pass -Wnull-dereference
cflags=$(sed -n 's/^CFLAGS = *//p' "$out/Makefile")

make -s -j "$JOBS" -f "$out/Makefile" -C "$src" "$out/nginx" \
    CFLAGS="$cflags $WARNINGS -Wno-null-dereference" </dev/null

ln -sfn "$kind-$version" "$BUILD/$kind"
