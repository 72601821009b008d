#!/bin/bash

# Installs the Debian packages that a target of the Makefile needs:
#
#     tools/setup.sh build | test | check | cover | bench
#
# Silent and quick when all of them are there.  Says what it installs first,
# uses sudo where it must, and keeps freshly installed services (nginx, Redis,
# PostgreSQL) from being started: nothing here wants them, or their ports.

set -eu -o pipefail

build=(gcc libc6-dev make nginx nginx-dev liblmdb-dev libyajl-dev
       libssl-dev libpcre2-dev zlib1g-dev)
test=(perl libmojolicious-perl libcmocka-dev lmdb-utils dpkg-dev clang libclang-rt-dev
      chromium openssl valgrind)
check=(cppcheck clang-format clang-tidy shellcheck)
bench=(libnginx-mod-nchan redis-server postgresql openssl valgrind)
cover=(gcovr)

case ${1-} in
    build) want=("${build[@]}") ;;
    test)  want=("${build[@]}" "${test[@]}") ;;
    check) want=("${build[@]}" "${test[@]}" "${check[@]}") ;;
    cover) want=("${build[@]}" "${test[@]}" "${cover[@]}") ;;
    bench) want=("${build[@]}" "${bench[@]}") ;;
    *) echo "usage: tools/setup.sh build|test|check|cover|bench" >&2; exit 2 ;;
esac

if [ "$1" != build ]; then
    node=$(node --version 2>/dev/null) || node=v0
    node=${node#v}
    [ "${node%%.*}" -ge 18 ] || want+=(nodejs)
    command -v npm >/dev/null || want+=(npm)
fi

if ! command -v dpkg-query >/dev/null; then
    echo "tools/setup.sh: no Debian; please install by hand: ${want[*]}" >&2
    exit 0
fi

have=" $(dpkg-query -W -f '${db:Status-Status}=${Package} ' "${want[@]}" \
    2>/dev/null || :) "
missing=()

for p in "${want[@]}"; do
    case $have in
        *" installed=$p "*) ;;
        *) missing+=("$p") ;;
    esac
done

[ ${#missing[@]} -gt 0 ] || exit 0

echo "Installing Debian packages: ${missing[*]}"

root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "tools/setup.sh: not root and no sudo; please install them" >&2
        exit 1
    fi
    root=(sudo)
fi

# A package's service is started by way of this policy, if there is one.
policy=/usr/sbin/policy-rc.d

services=()
for p in nginx redis-server postgresql; do
    [[ " ${missing[*]} " != *" $p "* ]] || services+=("$p")
done

if [[ ${#services[@]} -gt 0 && ! -e $policy ]]; then
    trap '"${root[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
    "${root[@]}" chmod 755 "$policy"
    echo "Debian's services will not be started now; after a reboot they would" \
         "be (systemctl disable ${services[*]} prevents that)."
fi

apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive
     apt-get -q -y -o Dpkg::Use-Pty=0)

# An old list may name versions that are gone: the lists are renewed first.
"${apt[@]}" update </dev/null
"${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null
