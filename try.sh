#!/bin/sh
# SPDX-License-Identifier: MIT
# The newcomer's path: installs what is missing, builds, and then
#     ./try.sh         lets two processes exchange messages
#     ./try.sh test    passes the tests
# With SHMIPC_BUILD=DIR it builds there instead of in build/.
set -eu
cd "$(dirname "$0")"
build=${SHMIPC_BUILD:-build}

# debian/control names the build dependencies, and nothing else does.
install_missing() {
    if dpkg-checkbuilddeps debian/control >/dev/null 2>&1; then
        return 0
    fi
    root=
    if [ "$(id -u)" -ne 0 ]; then
        root=sudo
        if ! command -v sudo >/dev/null; then
            dpkg-checkbuilddeps debian/control || true
            echo "$0: only root can install what is missing (see above if" \
                "packages are named), and there is no sudo: as root, do" \
                "\`apt-get build-dep $PWD\`" >&2
            exit 1
        fi
    fi
    $root apt-get update -q
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y dpkg-dev
    $root env DEBIAN_FRONTEND=noninteractive apt-get build-dep -q -y ./
}

if command -v apt-get >/dev/null 2>&1; then
    install_missing
fi
if [ ! -f "$build/build.ninja" ]; then
    meson setup "$build"
fi
case ${1:-run} in
run)
    meson compile -C "$build" two-processes
    echo
    "$build/examples/two-processes"
    ;;
test)
    meson compile -C "$build"
    meson test -C "$build" --print-errorlogs
    ;;
*)
    echo "usage: $0 [test]" >&2
    exit 2
    ;;
esac
