/* SPDX-License-Identifier: MIT */
#include "segment.h"
#include "command.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the handler of SIGBUS has to know: one segment is mapped at a time. */
static struct {
    void *memory;
    size_t size;
    volatile sig_atomic_t is_cut;
} mapped;

/* The file was cut: zeros in its place, so that the load goes on. */
static void on_bus_error(int signal_number, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;
    uintptr_t start = (uintptr_t)mapped.memory;

    (void)context;
    if (mapped.memory && at >= start && at - start < mapped.size &&
        mmap(mapped.memory, mapped.size, PROT_READ,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
        mapped.is_cut = 1;
        return;
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void map(struct segment *s)
{
    struct sigaction action = {.sa_sigaction = on_bus_error,
                               .sa_flags = SA_SIGINFO};
    void *memory;

    if (s->file.st_size <= 0 || (uint64_t)s->file.st_size > PTRDIFF_MAX)
        return;
    memory =
        mmap(NULL, (size_t)s->file.st_size, PROT_READ, MAP_SHARED, s->fd, 0);
    if (memory == MAP_FAILED)
        return;
    s->memory = memory;
    s->size = (size_t)s->file.st_size;
    mapped.memory = memory;
    mapped.size = s->size;
    mapped.is_cut = 0;
    sigaction(SIGBUS, &action, NULL);
}

static bool is_plain_name(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static char *join(const char *directory, const char *name)
{
    char *path;

    return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

char *segment_path(const char *name)
{
    const char *plain = *name == '/' ? name + 1 : name;

    if (!strchr(plain, '/'))
        return is_plain_name(plain) ? join(SEGMENT_DIRECTORY, plain) : NULL;
    return strdup(name);
}

/* Not left hanging by a pipe. A name is not led elsewhere by a link that
 * another user may have put into a directory that is everybody's; a path may be
 * one. */
static int open_path(struct segment *s, bool may_be_link)
{
    s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
                              (may_be_link ? 0 : O_NOFOLLOW));
    if (s->fd < 0)
        return errno == ELOOP ? EINVAL : errno;
    if (fstat(s->fd, &s->file) != 0)
        return errno;
    if (!S_ISREG(s->file.st_mode))
        return EINVAL;
    map(s);
    return 0;
}

static int open_as(struct segment *s, char *path, char *name, bool may_be_link)
{
    *s = (struct segment){.fd = -1, .path = path, .name = name};
    if (name)
        command_clean(name);
    if (!path)
        return EINVAL;
    return name ? open_path(s, may_be_link) : ENOMEM;
}

int segment_open(struct segment *s, const char *name)
{
    char *shown = NULL;
    bool is_path = strchr(*name ? name + 1 : name, '/') != NULL;

    if (asprintf(&shown, "%s%s", is_path || *name == '/' ? "" : "/", name) < 0)
        shown = NULL;
    return open_as(s, segment_path(name), shown, is_path);
}

int segment_open_in(struct segment *s, const char *directory, const char *name)
{
    bool is_usual = strcmp(directory, SEGMENT_DIRECTORY) == 0;

    return open_as(s, join(directory, name),
                   join(is_usual ? "" : directory, name), false);
}

void segment_close(struct segment *s)
{
    if (s->memory) {
        mapped.memory = NULL;
        munmap((void *)(uintptr_t)s->memory, s->size);
    }
    if (s->fd >= 0)
        close(s->fd);
    free(s->path);
    free(s->name);
    *s = (struct segment){.fd = -1};
}

bool segment_was_whole(const struct segment *s)
{
    return !(s->memory && mapped.memory == s->memory && mapped.is_cut);
}

bool segment_is_in_place(const struct segment *s)
{
    struct stat now;

    return lstat(s->path, &now) == 0 && now.st_dev == s->file.st_dev &&
           now.st_ino == s->file.st_ino;
}

const char *segment_owner(uid_t uid, char number[24])
{
    const struct passwd *user = getpwuid(uid);

    if (user)
        return user->pw_name;
    snprintf(number, 24, "%lu", (unsigned long)uid);
    return number;
}
