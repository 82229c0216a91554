/* SPDX-License-Identifier: MIT */
/*
 * An eventfd: a counter in the kernel that can be polled. Both keep errno and
 * are no cancellation points.
 */
#ifndef SHMIPC_COUNTER_H
#define SHMIPC_COUNTER_H

#include "cancel.h"
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/* Makes it readable. */
static inline void counter_raise(int fd)
{
    const uint64_t one = 1;
    int saved = errno;
    int cancelling = cancel_disable();

    /* A counter that is full already is readable. */
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
    cancel_restore(cancelling);
    errno = saved;
}

/* Makes it unreadable; false: it was. */
static inline bool counter_clear(int fd)
{
    uint64_t count;
    int saved = errno;
    int cancelling = cancel_disable();
    ssize_t got;

    do {
        got = read(fd, &count, sizeof count);
    } while (got < 0 && errno == EINTR);
    cancel_restore(cancelling);
    errno = saved;
    return got > 0;
}

#endif
