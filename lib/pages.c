/* SPDX-License-Identifier: MIT */
#include "pages.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>

int pages_check_limit(uint64_t size)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur ? EFBIG
                                                                         : 0;
}

int pages_reserve(int fd, uint64_t at, uint64_t size, bool undisturbed)
{
    sigset_t all, before;
    int error;

    if (!undisturbed)
        return posix_fallocate(fd, (off_t)at, (off_t)size);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = posix_fallocate(fd, (off_t)at, (off_t)size);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}
