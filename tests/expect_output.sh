#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a program and compares all that it prints with a line:
#     expect_output.sh PROGRAM LINE
set -eu
got=$("$1")
if [ "$got" != "$2" ]; then
    printf 'expected: %s\ngot:      %s\n' "$2" "$got" >&2
    exit 1
fi
printf '%s\n' "$got"
