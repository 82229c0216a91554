/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into the tool: lets others do something just before it takes a
 * lock or moves a file, or when it has moved one, once. MEDDLE_AT is the name
 * of the call, or "renamed", and MEDDLE a command of the shell.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int flock(int fd, int how);
int renameat2(int from, const char *old, int to, const char *new,
              unsigned flags);

static void meddle(const char *call)
{
    const char *at = getenv("MEDDLE_AT");
    const char *command = getenv("MEDDLE");
    int saved = errno;

    if (at && command && strcmp(at, call) == 0) {
        unsetenv("MEDDLE_AT");
        unsetenv("LD_PRELOAD");
        if (system(command) != 0)
            fprintf(stderr, "meddling failed: %s\n", command);
    }
    errno = saved;
}

/* A function by its name, which ISO C knows no conversion for. */
static void find(const char *name, void *to, size_t size)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (!found)
        abort();
    memcpy(to, &found, size);
}

int flock(int fd, int how)
{
    int (*real)(int, int);

    find("flock", &real, sizeof real);
    meddle("flock");
    return real(fd, how);
}

int renameat2(int from, const char *old, int to, const char *new,
              unsigned flags)
{
    int (*real)(int, const char *, int, const char *, unsigned);
    int answer;

    find("renameat2", &real, sizeof real);
    meddle("renameat2");
    answer = real(from, old, to, new, flags);
    meddle("renamed");
    return answer;
}
