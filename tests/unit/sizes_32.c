/* SPDX-License-Identifier: MIT */
/*
 * Sizes where size_t has 32 bits: what does not fit into it cannot be had.
 * sizes_32.sh builds this with the library's sources and -m32.
 */
#include <shmipc/ipc_buffer.h>
#include <stdio.h>

_Static_assert(sizeof(size_t) == 4, "build this with -m32");

static int wrong;

static void must_be(size_t capacity, bool possible)
{
    uint64_t size = ipc_buffer_align_size(capacity);

    if (possible ? size > SIZE_MAX || size < capacity : size != UINT64_MAX) {
        printf("%zu bytes of data take %llu\n", capacity,
               (unsigned long long)size);
        wrong = 1;
    }
}

int main(void)
{
    must_be(0, true);
    must_be(1, true);
    must_be(1 << 20, true);
    must_be((size_t)3 << 30, true);
    /* Nine bytes in memory for eight of data, and a little more. */
    must_be(SIZE_MAX / 9 * 8 - 8192, true);
    must_be(SIZE_MAX / 9 * 8 + 8192, false);
    must_be(SIZE_MAX - 63, false);
    must_be(SIZE_MAX, false);
    return wrong;
}
