/* SPDX-License-Identifier: MIT */
#include "place/content.h"

#include "ring/layout.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 16384 };

static bool is_zero(const void *memory, size_t size)
{
    const unsigned char *bytes = memory;

    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

/* Zeros to the end. Holes are skipped where the file system knows them. */
static bool is_zero_from(int fd, off_t at)
{
    unsigned char bytes[PIECE];

    for (;;) {
        off_t data = lseek(fd, at, SEEK_DATA);
        ssize_t got;

        if (data < 0 && errno == ENXIO)
            return true; /* no more but a hole */
        if (data > at)
            at = data;
        got = pread(fd, bytes, sizeof bytes, at);
        if (got <= 0)
            return got == 0;
        if (!is_zero(bytes, (size_t)got))
            return false;
        at += got;
    }
}

int content_look(int fd, enum content *content, uint64_t *size)
{
    struct shm_identity id;
    struct stat file;
    ssize_t got;

    memset(&id, 0, sizeof id);
    got = pread(fd, &id, sizeof id, 0);
    /* Afterwards: a creator makes it larger, and nobody smaller. */
    if (got < 0 || fstat(fd, &file) != 0)
        return errno;
    *size = (uint64_t)file.st_size;
    *content = CONTENT_ELSE;
    if (got == 0 && (file.st_size == 0 || is_zero_from(fd, 0))) {
        *content = CONTENT_NONE;
    } else if (id.magic == SHMIPC_MAGIC ||
               id.magic == __builtin_bswap64(SHMIPC_MAGIC)) {
        *content = CONTENT_RING;
    } else if (got == sizeof id) {
        /* Relaxed, both: a copy of ours. */
        atomic_put_relaxed(&id.creation, 0);
        atomic_put_relaxed(&id.ready, 0);
        if (is_zero(&id, sizeof id) && is_zero_from(fd, sizeof id))
            *content = CONTENT_NONE;
    }
    return 0;
}
