/* SPDX-License-Identifier: MIT */
/*
 * A name that no other process has or had. The pid is not enough: pids come
 * again, after 32768 processes on many machines, and a test that was killed, or
 * found a mistake, leaves its names to who has its pid next.
 */
#ifndef SHMIPC_TEST_OWN_NAME_H
#define SHMIPC_TEST_OWN_NAME_H

#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { OWN_NAME_ROOM = 64 };

/* Another one by each call; `what` has at most 12 characters. */
static inline void own_name(char to[OWN_NAME_ROOM], const char *what)
{
    const int pid = getpid();
    struct timespec now;
    long long seconds;

    clock_gettime(CLOCK_REALTIME, &now);
    seconds = now.tv_sec;
    snprintf(to, OWN_NAME_ROOM, "/shmipc-%s-%d-%lld%09ld", what, pid, seconds,
             now.tv_nsec);
}

#endif
