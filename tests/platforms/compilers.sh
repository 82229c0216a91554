#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds by each compiler that is here, optimized in several ways, warnings being
# errors, and runs tests:
#     compilers.sh [-q] [-C DIR] [COMPILER...]
#
#     -q      quick: builds the library and the examples, and runs nothing
#     -C DIR  builds in DIR, which stays; else in one that does not
#
# A COMPILER is one for C, such as gcc-14 or clang-19; without any all of them
# from gcc-12 and clang-14 on are tried. Each builds all of the tree once, and
# runs the suites unit, examples and headers; for the other ways of optimizing it
# builds the library, the examples and the unit tests. Ends with a line for each.
# Exits with 77 if there was none to be tried.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
quick=
work=
only=()

while getopts qC: option; do
    case $option in
    q)
        quick=yes
        only=(-Dtests=disabled)
        ;;
    C) work=$OPTARG ;;
    *)
        echo "usage: $0 [-q] [-C DIR] [COMPILER...]" >&2
        exit 2
        ;;
    esac
done
shift $((OPTIND - 1))
if [ -n "$work" ]; then
    mkdir -p "$work"
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/shmipc-compilers.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
fi
if [ $# -eq 0 ]; then
    for compiler in gcc-{12..30} clang-{14..40}; do
        ! command -v "$compiler" >/dev/null || set -- "$@" "$compiler"
    done
fi

# Tests that look for compilers by their plain names find this one.
name_plainly() {
    local cc=$1 cxx=$2 names=$work/$1.names

    mkdir -p "$names"
    rm -f "$names"/*
    ln -s "$(command -v "$cc")" "$names/${cc%%-*}"
    ! command -v "$cxx" >/dev/null ||
        ln -s "$(command -v "$cxx")" "$names/${cxx%%-*}"
    PATH=$names:$plain_path
}

# try COMPILER WAY OPTIONS...
try() {
    local cc=$1 way=$2 cxx build=$work/$1-$2 log=$work/$1-$2.log ended=ok
    shift 2

    case $cc in
    gcc*) cxx=g++${cc#gcc} ;;
    clang*) cxx=clang++${cc#clang} ;;
    *) cxx=c++ ;;
    esac
    name_plainly "$cc" "$cxx"
    if [ "$way" = lto ] && [ "${cc#clang}" != "$cc" ]; then
        command -v ld.lld >/dev/null || {
            summary+=("$cc $way: left out, there is no lld")
            return
        }
        export CC_LD=lld CXX_LD=lld
    fi
    {
        if [ ! -f "$build/build.ninja" ]; then
            CC=$cc CXX=$cxx meson setup "$build" "$root" -Dwerror=true \
                -Dtools=disabled -Dmanual=false "${only[@]}" "$@"
        fi && if [ -n "$quick" ]; then
            ninja -k 0 -C "$build"
        elif [ "$way" = plain ]; then
            ninja -k 0 -C "$build" &&
                meson test -C "$build" -t 4 --suite unit --suite examples \
                --suite headers
        else
            meson test -C "$build" -t 4 --suite unit --suite examples
        fi
    } >"$log" 2>&1 || ended=failed
    unset CC_LD CXX_LD
    if [ "$ended" = failed ]; then
        grep -E -A6 'error:|ERROR:|undefined reference' "$log" | head -40 ||
            grep -E 'FAIL|TIMEOUT' "$log" || tail -5 "$log"
        status=1
    fi
    summary+=("$cc $way: $ended: $(sed -n \
        's/^\(Ok\|Fail\|Skipped\|Timeout\): *\([1-9][0-9]*\) *$/\1 \2/p' \
        "$log" | paste -sd' ')")
}

plain_path=$PATH
summary=()
status=0
for compiler in "$@"; do
    try "$compiler" plain
    try "$compiler" O3 -Dbuildtype=release
    try "$compiler" Os -Dbuildtype=minsize
    try "$compiler" lto -Db_lto=true -Dbuildtype=release
    try "$compiler" unity -Dunity=on
done
printf '%s\n' "${summary[@]}"
[ $# -gt 0 ] || exit 77
exit "$status"
