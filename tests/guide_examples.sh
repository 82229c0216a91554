#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles each program of the guide against the build, runs it, and compares
# what it prints with the block that follows it:
#     guide_examples.sh GUIDE INCLUDEDIR LIBRARY COMPILER...
set -eu
guide=$1 include=$2 library=$3
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# N.c and N.text for the Nth program and the Nth output.
awk -v dir="$dir" '
    /^```(c|text)$/ { kind = substr($0, 4); count[kind]++; next }
    /^```$/ { kind = ""; next }
    kind { print > (dir "/" count[kind] "." kind) }
' "$guide"

count=0
while [ -e "$dir/$((count + 1)).c" ]; do
    count=$((count + 1))
    grep -q '^int main(' "$dir/$count.c" || {
        echo "block $count of the guide is not a whole program"
        exit 1
    }
    "$@" -Wall -Wextra -Werror -I"$include" -o "$dir/program" \
        "$dir/$count.c" "$library" -Wl,-rpath,"$(dirname "$library")"
    # Meson says what runs programs of another machine.
    # shellcheck disable=SC2086
    timeout 60 ${MESON_EXE_WRAPPER-} "$dir/program" >"$dir/got" || {
        cat "$dir/got"
        echo "program $count of the guide failed"
        exit 1
    }
    diff -u "$dir/$count.text" "$dir/got"
done
# None, or one without an output: this script has lost its way.
[ "$count" -gt 0 ] && [ ! -e "$dir/$((count + 1)).text" ]
echo "$count programs"
