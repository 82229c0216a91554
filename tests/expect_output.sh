#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a program and compares all that it prints with a line:
#     expect_output.sh PROGRAM LINE
set -eu
# Where programs are of another machine Meson says what runs them.
# shellcheck disable=SC2086
got=$(${MESON_EXE_WRAPPER-} "$1")
if [ "$got" != "$2" ]; then
    printf 'expected: %s\ngot:      %s\n' "$2" "$got" >&2
    exit 1
fi
printf '%s\n' "$got"
