#!/bin/sh
# SPDX-License-Identifier: MIT
# The README's first program, killed in the middle, leaves no segment and no
# process behind:
#     two_processes.sh PROGRAM
set -eu
if [ -n "${MESON_EXE_WRAPPER-}" ]; then
    echo 'skipped: what runs programs of another machine is killed instead'
    exit 77
fi

# Whether the process $1 runs; zombies do not.
runs() {
    grep -qs ') [^Z] ' "/proc/$1/stat"
}

# It runs for a second, and may be over before this script goes on.
for try in 1 2 3 4 5 6 7 8 9 10; do
    "$1" >/dev/null &
    receiver=$!
    sender=
    segment=/dev/shm/shmipc-two-processes-$receiver
    while runs "$receiver"; do
        sender=$(cat "/proc/$receiver/task/$receiver/children" 2>/dev/null) ||
            sender=
        [ -z "$sender" ] || [ -e "$segment" ] || break
        sleep 0.02
    done
    sender=${sender% }
    kill -KILL "$receiver" 2>/dev/null || true
    code=0
    wait "$receiver" || code=$?
    [ "$code" -ne 137 ] || break
done
if [ "$code" -ne 137 ]; then
    echo "it ended by itself, or kept its segment's name, $try times"
    exit 1
fi
[ ! -e "$segment" ]
for _ in $(seq 100); do
    runs "$sender" || break
    sleep 0.1
done
if runs "$sender"; then
    echo 'the sender goes on without a receiver'
    kill -KILL "$sender"
    exit 1
fi
echo 'nothing is left'
