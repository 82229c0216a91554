#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures everything, and makes the report and the README's figures of it:
#
#     bench/measure.sh [BUILD [OPTION...]]
#
# BUILD is a directory for a release build, fast/ if nothing is said; the
# options are the benchmark's, as -r 9 for nine rounds. It takes about an hour,
# in which the machine should do nothing else.
set -eu
cd "$(dirname "$0")/.."
build=${1:-fast}
[ $# -eq 0 ] || shift

[ -d "$build" ] ||
    meson setup "$build" --buildtype=release -Dbenchmarks=true -Dtests=disabled
ninja -C "$build" bench/shmipc-bench
# 1: something of ours failed, which the report shows; nothing is written if it
# was called wrongly.
status=0
"$build/bench/shmipc-bench" -o "$build/results.json" "$@" || status=$?
[ "$status" -le 1 ] || exit "$status"
bench/report.py "$build/results.json" docs/benchmarks README.md
exit "$status"
