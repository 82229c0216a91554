#!/bin/sh
# SPDX-License-Identifier: MIT
# The newcomer's path: installs what is missing, builds, and then
#     ./try.sh         lets two processes exchange messages
#     ./try.sh test    passes the tests
# With SHMIPC_BUILD=DIR it builds there instead of in build/.
set -eu
cd "$(dirname "$0")"
build=${SHMIPC_BUILD:-build}

# debian/control names the build dependencies, and nothing else does. A release's
# tarball has it in packages/, since Debian adds a debian/ of its own.
control=debian/control
[ -f "$control" ] || control=packages/debian-control

# In words, for where dpkg does not know: without versions and profiles.
needed() {
    sed -n '/^Build-Depends:/,/^[^ B]/{/ <pkg\.shmipc/!s/^ *\(Build-Depends: *\)\?//p}' \
        "$control" | sed 's/[:,( ].*//; /^[^a-z]/d' | paste -sd ' '
}

install_missing() {
    if dpkg-checkbuilddeps "$control" >/dev/null 2>&1; then
        return 0
    fi
    root=
    if [ "$(id -u)" -ne 0 ]; then
        root=sudo
        if ! command -v sudo >/dev/null; then
            dpkg-checkbuilddeps "$control" || true
            echo "$0: only root can install what is missing, and there is no" \
                "sudo. As root, do: apt-get install build-essential" \
                "$(needed)" >&2
            exit 1
        fi
    fi
    # As apt-get wants it.
    source=$(mktemp -d)
    trap 'rm -rf "$source"' EXIT
    mkdir "$source/debian"
    cp "$control" "$source/debian/control"
    chmod -R a+rX "$source"
    $root apt-get update -q
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y dpkg-dev
    $root env DEBIAN_FRONTEND=noninteractive apt-get build-dep -q -y "$source"
}

if command -v apt-get >/dev/null 2>&1; then
    install_missing
elif ! command -v meson >/dev/null 2>&1; then
    echo "$0: there is no meson. By the names that Debian has for them, this" \
        "takes: a C compiler, $(needed)" >&2
    exit 1
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
