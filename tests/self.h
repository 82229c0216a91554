/* SPDX-License-Identifier: MIT */
/*
 * What a process has, as the kernel counts it: its descriptors, its threads.
 */
#ifndef SHMIPC_TEST_SELF_H
#define SHMIPC_TEST_SELF_H

#include <dirent.h>
#include <stdlib.h>

static inline int self_count(const char *folder)
{
    DIR *directory = opendir(folder);
    int count = 0;

    if (!directory)
        abort();
    for (struct dirent *e = readdir(directory); e; e = readdir(directory))
        count += e->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* One more than is open otherwise: the one that this looks by. */
static inline int open_descriptors(void)
{
    return self_count("/proc/self/fd");
}

#endif
