/* SPDX-License-Identifier: MIT */
#include "ring/mapping.h"
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * FUTEX_WAKE_OP adds a number to a word atomically before it wakes, and fails
 * with EFAULT where we may not store. It adds 0 here. It wakes one who sleeps
 * on the word, at least; nobody sleeps on one that is given to this function.
 */
bool mapping_may_store(const atomic_u32 *word)
{
#ifdef SYS_futex
    const long number = SYS_futex;
#else
    const long number = SYS_futex_time64;
#endif
    const unsigned add_nothing =
        (unsigned)FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0);
    int saved = errno;
    bool may =
        syscall(number, word, FUTEX_WAKE_OP, 0, NULL, word, add_nothing) >= 0 ||
        errno != EFAULT;

    errno = saved;
    return may;
}
