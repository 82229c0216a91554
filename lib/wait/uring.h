/* SPDX-License-Identifier: MIT */
/*
 * The futex operations of io_uring, which liburing 2.3 and kernel headers
 * before 6.7 do not name.
 */
#ifndef SHMIPC_URING_H
#define SHMIPC_URING_H

#include "ring/atomics.h"
#include <liburing.h>

enum {
    URING_FUTEX_WAIT = 51,   /* IORING_OP_FUTEX_WAIT */
    URING_FUTEX2_SIZE32 = 2, /* FUTEX2_SIZE_U32; not private: shared */
};

/* A time from now on; none for one that is past. */
static inline struct __kernel_timespec uring_timespec(int64_t ns)
{
    struct __kernel_timespec time = {0};

    if (ns > 0) {
        time.tv_sec = ns / 1000000000;
        time.tv_nsec = ns % 1000000000;
    }
    return time;
}

/* Makes `sqe` wait until somebody wakes the word; at once (-EAGAIN) if it is
 * not `seen`. */
static inline void uring_prep_wait(struct io_uring_sqe *sqe, atomic_u32 *word,
                                   uint32_t seen)
{
    const uint64_t any_waker = UINT32_MAX;

    io_uring_prep_rw(URING_FUTEX_WAIT, sqe, URING_FUTEX2_SIZE32, word, 0, seen);
    sqe->addr3 = any_waker;
}

#endif
