/* SPDX-License-Identifier: MIT */
#include "ring/mapping.h"
#include "cancel.h"
#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* A line of /proc/self/maps: "from-to rwxs ...". */
static bool line_is_shared(const char *line, uintptr_t address)
{
    char *at;
    uintptr_t from = (uintptr_t)strtoull(line, &at, 16);
    uintptr_t to = *at == '-' ? (uintptr_t)strtoull(at + 1, &at, 16) : 0;

    return from <= address && address < to && *at == ' ' && strlen(at) > 4 &&
           at[4] == 's';
}

bool mapping_is_shared(const void *mem)
{
    int saved = errno;
    int state = cancel_disable();
    FILE *maps = fopen("/proc/self/maps", "re");
    bool shared = false;
    char *line = NULL;
    size_t room = 0;

    while (maps && !shared && getline(&line, &room, maps) > 0)
        shared = line_is_shared(line, (uintptr_t)mem);
    free(line);
    if (maps)
        fclose(maps);
    cancel_restore(state);
    errno = saved;
    return shared;
}
