/* SPDX-License-Identifier: MIT */
/*
 * Copies of payload. With many consumers a reader copies an entry before it
 * owns it, and throws the copy away if another one took the entry meanwhile:
 * then a producer may have been writing into it. payload_load_unowned() is
 * the one place where that race happens, on purpose. docs/design.md, "The
 * optimistic copy", says why it is sound and how compiler and sanitizer are
 * told.
 */
#ifndef SHMIPC_PAYLOAD_H
#define SHMIPC_PAYLOAD_H

#include "ring/layout.h"
#include <string.h>
#include <sys/uio.h>

#ifndef SHMIPC_MODEL

/* What is too short for a move of a word, but not empty. */
static inline void payload_copy_few(unsigned char *d, const unsigned char *s,
                                    size_t size)
{
    if (size >= 4) {
        memcpy(d, s, 4);
        memcpy(d + size - 4, s + size - 4, 4);
    } else {
        d[0] = s[0];
        d[size / 2] = s[size / 2];
        d[size - 1] = s[size - 1];
    }
}

/* memcpy, without a call for what fits one block. */
static inline void payload_copy(void *to, const void *from, size_t size)
{
    unsigned char *d = to;
    const unsigned char *s = from;

    if (__builtin_expect(size > 64, 0)) {
        memcpy(d, s, size);
    } else if (__builtin_expect(size < 8, 0)) {
        payload_copy_few(d, s, size);
    } else if (size <= 16) {
        memcpy(d, s, 8);
        memcpy(d + size - 8, s + size - 8, 8);
    } else if (size <= 32) {
        memcpy(d, s, 16);
        memcpy(d + size - 16, s + size - 16, 16);
    } else {
        memcpy(d, s, 32);
        memcpy(d + size - 32, s + size - 32, 32);
    }
}

static inline void payload_store(unsigned char *to, const void *from,
                                 size_t size)
{
    payload_copy(to, from, size);
}

/* From an entry that nobody else can take. */
static inline void payload_load_owned(void *to, const unsigned char *from,
                                      size_t size)
{
    payload_copy(to, from, size);
}

/* Stores a byte of each line anew, the one that is there: buffer/give.h. By the
 * one consumer, who owns them until it moves head. A tap may read them at that
 * moment: to the language that is a race, and it sees the same byte either
 * way. */
static inline void payload_give_back(unsigned char *lines, size_t size)
{
    for (size_t i = 0; i < size; i += SHMIPC_BLOCK) {
        volatile unsigned char *byte = lines + i;

        *byte = *byte;
    }
}

#if defined(__SANITIZE_THREAD__) || defined(SHMIPC_TSAN)
/* memcpy is intercepted; a loop over volatile bytes is neither that nor
 * turned into it. */
__attribute__((no_sanitize("thread"), noinline, unused)) static void
payload_load_unowned(void *to, const unsigned char *from, size_t size)
{
    const volatile unsigned char *bytes = from;

    for (size_t i = 0; i < size; i++)
        ((volatile unsigned char *)to)[i] = bytes[i];
}
#else
static inline void payload_load_unowned(void *to, const unsigned char *from,
                                        size_t size)
{
    /* The bytes must be fetched here, once, and not again after the head has
     * moved: the compiler may not see through to `from` on either side. */
    __asm__ __volatile__("" : "+r"(from) : : "memory");
    payload_copy(to, from, size);
    __asm__ __volatile__("" : : : "memory");
}
#endif

#else
#include "model_payload.h"
#endif

static inline void payload_gather(unsigned char *to, const struct iovec *pieces,
                                  int count)
{
    for (int i = 0; i < count; i++) {
        if (pieces[i].iov_len > 0)
            payload_store(to, pieces[i].iov_base, pieces[i].iov_len);
        to += pieces[i].iov_len;
    }
}

#endif
