#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds for other machines, warnings being errors, and runs tests there, by
# qemu-user where that is needed:
#     run.sh [-q] [-C DIR] [PLATFORM...]
#
#     -q      quick: the library and the examples, and the examples' tests
#     -C DIR  builds in DIR/PLATFORM, which stays; else in one that does not
#
# A platform is a cross file for Meson beside this script; without any all of
# them are tried. One whose compiler is not here is left out, with that reason.
# The unit tests go by their plain runner. Ends with a line for each. Exits with
# 77 if there was none to be tried.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# Of the stress tests those that do not count on being alone on a CPU, which an
# emulator makes ten to fifty times as slow.
stress=('4x4 processes through a channel' '4x4 threads through a buffer'
    'nothing is lost when the one producer is killed')
quick=
work=

while getopts qC: option; do
    case $option in
    q) quick=yes ;;
    C) work=$OPTARG ;;
    *)
        echo "usage: $0 [-q] [-C DIR] [PLATFORM...]" >&2
        exit 2
        ;;
    esac
done
shift $((OPTIND - 1))
if [ -n "$work" ]; then
    mkdir -p "$work"
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/shmipc-platforms.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
fi
if [ $# -eq 0 ]; then
    for file in "$here"/*.ini; do
        set -- "$@" "$(basename "$file" .ini)"
    done
fi

# What the cross file names first, and whether it makes programs.
can_compile() {
    local words
    words=$(sed -n "s/^c = \[\?'\(.*\)'\]\?\$/\1/p" "$here/$1.ini" |
        sed "s/', '/ /g")

    echo 'int main(void) { return 0; }' >"$work/empty.c"
    # shellcheck disable=SC2086
    $words -o "$work/empty" "$work/empty.c" 2>/dev/null
}

# Debian 12 has emulators of processes as qemu-*-static only, Debian 13 without.
name_emulator() {
    local named
    named=$(sed -n "s/^exe_wrapper = '\(.*\)'\$/\1/p" "$here/$1.ini")

    emulator=()
    if [ -n "$named" ] && ! command -v "$named" >/dev/null; then
        printf "[binaries]\nexe_wrapper = '%s'\n" "${named%-static}" \
            >"$work/$1.emulator.ini"
        emulator=(--cross-file "$work/$1.emulator.ini")
    fi
}

# Where the C library of that machine is not installed beside ours qemu finds
# the one that came with the compiler. Never both: the loader of one and the
# library of the other do not agree.
find_library() {
    local triplet
    triplet=$(sed -n "s/^c = '\(.*\)-gcc'\$/\1/p" "$here/$1.ini")

    unset QEMU_LD_PREFIX
    if [ -n "$triplet" ] && [ ! -e "/usr/lib/$triplet/libc.so.6" ] &&
        [ ! -e "/lib/$triplet/libc.so.6" ]; then
        export QEMU_LD_PREFIX=/usr/$triplet
    fi
}

# The tests' results in a line.
results() {
    local log=$1/meson-logs/testlog.json

    grep -o '"result": "[A-Z]*' "$log" | sed 's/.*"//' | sort | uniq -c |
        awk '{printf("%s%d %s", (NR > 1 ? ", " : ""), $1, $2)}'
}

try() {
    local build=$work/$1 ended=ok

    find_library "$1"
    name_emulator "$1"
    # Who emulates needs more time.
    export SHMIPC_PATIENCE=10
    [ -f "$build/build.ninja" ] ||
        meson setup "$build" "$root" --cross-file "$here/$1.ini" \
            "${emulator[@]}" -Dwerror=true -Dtools=disabled -Dmanual=false \
            -Dcriterion=disabled >"$work/$1.log" 2>&1 || {
        tail -20 "$work/$1.log"
        summary+=("$1: cannot be set up")
        status=1
        return
    }
    if [ -n "$quick" ]; then
        meson test -C "$build" -t 4 --suite examples
    else
        ninja -C "$build" && meson test -C "$build" -t 10 --suite examples \
            --suite unit &&
            cp "$build/meson-logs/testlog.json" "$work/$1.json" &&
            meson test -C "$build" -t 10 "${stress[@]}"
    fi >"$work/$1.log" 2>&1 || ended=failed
    [ ! -f "$work/$1.json" ] ||
        cat "$work/$1.json" >>"$build/meson-logs/testlog.json"
    if [ "$ended" = failed ]; then
        grep -E -A10 'error:|FAILED:|undefined reference' "$work/$1.log" ||
            grep -E 'FAIL|TIMEOUT|ERROR' "$work/$1.log" || true
        status=1
    fi
    summary+=("$1: $ended: $(results "$build" 2>/dev/null || echo 'no tests')")
}

summary=()
status=0
tried=0
for platform in "$@"; do
    if can_compile "$platform"; then
        try "$platform"
        tried=$((tried + 1))
    else
        summary+=("$platform: left out, its compiler is not here")
    fi
done
printf '%s\n' "${summary[@]}"
[ "$tried" -gt 0 ] || exit 77
exit "$status"
