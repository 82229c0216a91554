/* SPDX-License-Identifier: MIT */
/*
 * Broadcast by what has no such thing: a queue for each subscriber, and a
 * message is sent to one after the other. C and C++.
 */
#ifndef BENCH_EACH_H
#define BENCH_EACH_H

#include "../transport.h"

enum { EACH_MAX = 16 };

/* Sends to queue `i` of a link: 1, 0 or -1, as a transport's send(). */
typedef int each_send(struct link *to, unsigned i, const void *data,
                      size_t size);

/* Goes on where there was no room the last time: *next. */
static inline __attribute__((always_inline)) int
each_send_all(struct link *to, unsigned *next, each_send *send,
              const void *data, size_t size)
{
    while (*next < to->load->consumers) {
        int n = send(to, *next, data, size);

        if (n <= 0)
            return n;
        ++*next;
    }
    *next = 0;
    return 1;
}

#endif
