/* SPDX-License-Identifier: MIT */
/*
 * How messages lie in a stream of bytes, for `send` and `recv` alike.
 */
#ifndef SHMIPC_TOOLS_FRAMING_H
#define SHMIPC_TOOLS_FRAMING_H

#include <stdbool.h>
#include <stdint.h>

enum framing {
    /* A message ends at a newline, which is not a part of it. A channel has no
     * empty messages: the message of an empty line is that newline alone. */
    FRAMING_LINES,
    /* Each after its size: FRAMING_PREFIX bytes, the most significant first. */
    FRAMING_LENGTH,
    /* All of the stream is one. */
    FRAMING_WHOLE,
    /* Cut anywhere: only their bytes count, one after the other. */
    FRAMING_BYTES,
    /* An object of JSON on a line each; for `recv` alone. */
    FRAMING_JSON,
};

enum { FRAMING_PREFIX = 4 };

bool framing_parse(const char *text, enum framing *framing);

static inline void framing_put_size(unsigned char *to, uint32_t size)
{
    for (int i = FRAMING_PREFIX; i-- > 0; size >>= 8)
        to[i] = (unsigned char)size;
}

static inline uint32_t framing_get_size(const unsigned char *from)
{
    uint32_t size = 0;

    for (int i = 0; i < FRAMING_PREFIX; i++)
        size = size << 8 | from[i];
    return size;
}

#endif
