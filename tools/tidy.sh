#!/bin/bash

# clang-tidy, by .clang-tidy, over all of our C:
#
#     tools/tidy.sh          all files
#     tools/tidy.sh FILE     one of them
#
# nginx's headers are the system's here: what is in them is not ours.  Needs
# the build of tools/build-module.sh.  Environment: see Makefile.

set -eu -o pipefail

src=/usr/share/nginx/src/src
version=$(nginx -v 2>&1)
version=${version##*/}
version=${version%% *}

one() {
    local args=(-I.)

    case $1 in
        ws/*|token/*|store/*|t/unit/*|t/fuzz/*)
            args+=(-std=c99) ;;
        *)
            args+=(-isystem "$BUILD/nginx-$version")
            for dir in core event event/modules os/unix http http/modules \
                http/v2
            do
                args+=(-isystem "$src/$dir")
            done
            args+=(-std=gnu99) ;;
    esac

    # its own count of what it has left out is of no interest
    clang-tidy --quiet "$1" -- "${args[@]}" \
        2> >(grep -v '^[0-9]* warnings\? generated\.$' >&2)
}

if [ $# -gt 0 ]; then
    one "$1"
    exit
fi

printf '%s\n' ./*.c {http,ws,token,store}/*.c {examples,t}/handler/*.c \
    | sed 's|^\./||' \
    | xargs -P "$JOBS" -n 1 "$0"
