#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the two examples that find each other by name, in both orders, and with
# a sender that comes twice:
#     by_name.sh SENDER RECEIVER
set -eu
send=$1 receive=$2
name=/shmipc-by-name-$$
out=$(mktemp)
trap 'rm -f "$out" "/dev/shm$name"' EXIT
trap 'exit 1' HUP INT TERM

check() {
    printf 'one\ntwo\nthree\n' | cmp - "$out"
}

"$send" "$name" one two
"$send" "$name" three end
timeout 60 "$receive" "$name" >"$out"
check

timeout 60 "$receive" "$name" >"$out" &
receiver=$!
"$send" "$name" one
"$send" "$name" two three end
wait "$receiver"
check
