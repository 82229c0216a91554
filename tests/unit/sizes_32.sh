#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds sizes_32.c and what it needs of the library for 32 bits, and runs it:
#
#     sizes_32.sh SOURCE_ROOT COMPILER...
#
# Skipped (77) where the compiler cannot.
set -eu
root=$1
shift
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cat >"$out/empty.c" <<'END'
#include <stdatomic.h>
#include <stdio.h>
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "clang 14 does without");
int main(void) { return 0; }
END
if ! "$@" -m32 -march=i686 -o "$out/empty" "$out/empty.c" 2>/dev/null ||
    ! "$out/empty" 2>/dev/null; then
    echo "skipped: $* makes no programs for 32 bits that run here, or" \
        "none with atomics of 64"
    exit 77
fi
"$@" -m32 -march=i686 -Wno-psabi -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 -I"$root/include" -I"$root/lib" \
    -o "$out/sizes" "$root/tests/unit/sizes_32.c" "$root"/lib/buffer/*.c \
    "$root"/lib/ring/*.c "$root"/lib/place/*.c "$root/lib/wait/clock.c" \
    "$root/lib/backing.c" "$root/lib/debug.c" "$root/lib/pages.c" \
    "$root/lib/status.c" \
    -pthread -latomic
"$out/sizes"
