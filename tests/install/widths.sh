#!/bin/sh
# SPDX-License-Identifier: MIT
# widths.sh SOURCE_ROOT: programs of 32 bits. They may differ from the library in
# the width of time_t: their timeouts have to be what they asked for, however
# long. And they share rings with programs of 64 bits. Uses $CC, $MESON.
set -eu
source=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/probe.c" <<'END'
#include <stdatomic.h>
#if ATOMIC_LLONG_LOCK_FREE != 2
#error "no lock-free 64-bit atomics"
#endif
int main(void) { return sizeof(void *) != 4; }
END
if ! $CC -m32 -o "$work/probe" "$work/probe.c" 2>"$work/log" ||
    ! "$work/probe" 2>>"$work/log"; then
    echo "skipped: $CC -m32 builds nothing that runs here, or has no lock-free"
    echo '64-bit atomics, which the library needs'
    exit 77
fi
wide='-D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64'
printf '#include <time.h>\n_Static_assert(sizeof(time_t) == 8, "");\n' \
    >"$work/probe.c"
# shellcheck disable=SC2086
if ! $CC -m32 $wide -c -o "$work/probe.o" "$work/probe.c" 2>"$work/log"; then
    echo 'skipped: the C library has one width of time_t only'
    exit 77
fi

# build NAME COMPILER: the library, of both kinds, in $work/NAME/lib.
build() {
    CC=$2 "$MESON" setup "$work/$1" "$source" -Dtests=disabled \
        -Dexamples=false -Dio_uring=disabled -Ddefault_library=both \
        >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }
    "$MESON" compile -C "$work/$1" shmipc:shared_library \
        shmipc:static_library >"$work/log" 2>&1 ||
        { tail -40 "$work/log"; exit 1; }
}

build narrow "$CC -m32"
library=$work/narrow/lib
for width in narrow wide; do
    for linked in "$library/libshmipc.a -pthread" \
        "-L$library -Wl,-rpath,$library -lshmipc"; do
        flags=
        [ "$width" = narrow ] || flags=$wide
        # shellcheck disable=SC2086
        $CC -m32 -std=c11 -Wall -Wextra -Werror $flags -I"$source/include" \
            -o "$work/program" "$here/time_t.c" $linked
        printf '%s, %s: ' "$width" "${linked##*/}"
        timeout 60 "$work/program"
        # shellcheck disable=SC2086
        $CC -m32 -std=c11 -Wall -Wextra -Werror $flags -I"$source/include" \
            -o "$work/program" "$source/tests/wait/test_times.c" $linked
        printf '%s, %s: ' "$width" "${linked##*/}"
        timeout 60 "$work/program"
    done
done

build wide "$CC"
for bits in narrow wide; do
    m=
    [ "$bits" = wide ] || m=-m32
    # shellcheck disable=SC2086
    $CC $m -std=c11 -Wall -Wextra -Werror -I"$source/include" \
        -o "$work/ring-$bits" "$here/one_ring.c" \
        "$work/$bits/lib/libshmipc.a" -pthread
done
for creator in narrow wide; do
    rm -f "$work/ring"
    "$work/ring-$creator" "$work/ring" create
    for writer in narrow wide; do
        for reader in narrow wide; do
            "$work/ring-$writer" "$work/ring" write
            "$work/ring-$reader" "$work/ring" read
        done
    done
done
echo 'programs of 32 and 64 bits share a ring, whoever creates, writes, reads'
