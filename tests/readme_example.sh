#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles the README's example against the build and runs it:
#     readme_example.sh README INCLUDEDIR LIBRARY COMPILER...
set -eu
readme=$1 include=$2 library=$3
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sed -n '/^```c$/,/^```$/p' "$readme" | sed '/^```/d' >"$dir/hello.c"
"$@" -std=c11 -Wall -Wextra -Werror -I"$include" -o "$dir/hello" \
    "$dir/hello.c" "$library" -Wl,-rpath,"$(dirname "$library")"
test "$("$dir/hello")" = hello
