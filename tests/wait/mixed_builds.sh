#!/bin/sh
# SPDX-License-Identifier: MIT
# Every way of waiting of one build against every one of another build:
#     mixed_builds.sh PEER OTHER_PEER COUNT
set -eu
# Where programs are of another machine Meson says what runs them.
wrapper=${MESON_EXE_WRAPPER-}
pairs=0
skipped=0
for one in 1 2 3 4; do
    for other in 1 2 3 4; do
        name=shmipc-mixed-$$-$one-$other
        # shellcheck disable=SC2086
        $wrapper "$1" first "$name" "$one" "$3" &
        first=$!
        b=0
        # shellcheck disable=SC2086
        $wrapper "$2" second "$name" "$other" "$3" || b=$?
        if [ "$b" -ne 0 ]; then
            kill "$first" 2>/dev/null || true
        fi
        a=0
        wait "$first" || a=$?
        rm -f "/dev/shm/$name-0" "/dev/shm/$name-1"
        if [ "$a" -eq 77 ] || [ "$b" -eq 77 ]; then
            skipped=$((skipped + 1))
        elif [ "$a" -ne 0 ] || [ "$b" -ne 0 ]; then
            echo "way $one against $other of the other build: $a, $b" >&2
            exit 1
        else
            pairs=$((pairs + 1))
        fi
    done
done
echo "$pairs pairs, $skipped not to be had in one of the builds"
[ "$pairs" -gt 0 ]
