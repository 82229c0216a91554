/* SPDX-License-Identifier: MIT */
/*
 * What a file holds. It is read and not mapped: where a sparse file has a hole
 * a mapping takes memory, which is a SIGBUS if there is none.
 */
#ifndef SHMIPC_CONTENT_H
#define SHMIPC_CONTENT_H

#include <stdint.h>

enum content {
    CONTENT_NONE, /* nothing but what a creator stores before the magic number
                   */
    CONTENT_RING, /* it begins as a ring does */
    CONTENT_ELSE
};

/* 0 or errno; the file's size, too. */
int content_look(int fd, enum content *content, uint64_t *size);

#endif
