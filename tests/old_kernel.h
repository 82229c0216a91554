/* SPDX-License-Identifier: MIT */
/*
 * A kernel that lacks some of the ways to sleep for many channels, where the
 * linker sends the library's calls here: --wrap=syscall and
 * --wrap=io_uring_queue_init_params.
 */
#ifndef SHMIPC_TEST_OLD_KERNEL_H
#define SHMIPC_TEST_OLD_KERNEL_H

#include <errno.h>
#include <liburing.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* What it has: all, no rings, or neither rings nor futex_waitv. */
enum way { RING, WAITV, NAPS };

static enum way way;
static _Atomic unsigned ring_sleeps, waitv_sleeps;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *p);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *p);

long __wrap_syscall(long number, ...)
{
    long argument[6];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        argument[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_futex_waitv) {
        atomic_fetch_add_explicit(&waitv_sleeps, 1, memory_order_relaxed);
        if (way == NAPS) {
            errno = ENOSYS;
            return -1;
        }
    }
    return __real_syscall(number, argument[0], argument[1], argument[2],
                          argument[3], argument[4], argument[5]);
}

int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *p)
{
    int error = way == RING
                    ? __real_io_uring_queue_init_params(entries, ring, p)
                    : -EPERM;

    if (error == 0)
        atomic_fetch_add_explicit(&ring_sleeps, 1, memory_order_relaxed);
    return error;
}

#endif
