/* SPDX-License-Identifier: MIT */
#include "removal.h"
#include "finding.h"
#include "judge.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* From finding a file by its name to the question whether it may be opened: a
 * stretch of code in the kernel, for which this is long. */
static const struct timespec moment = {.tv_nsec = 5000000};

struct attempt {
    const struct segment *segment;
    removal_wanted *wanted;
    void *context;
    bool is_leased;
    char *why;
};

static enum removal failed(int error)
{
    errno = error;
    return error == ENOENT ? REMOVAL_GONE : REMOVAL_FAILED;
}

static char *find_user(const struct segment *s)
{
    struct proc_uses uses;
    char *who = NULL;

    proc_find_uses(&uses, true);
    if (inspect_users(s, &uses) > 0) {
        struct proc proc;

        proc_look(uses.list[0].pid, &proc);
        who = finding_say("pid %d (%s) has it %s", (int)uses.list[0].pid,
                          proc.name, uses.list[0].address ? "mapped" : "open");
    }
    proc_free_uses(&uses);
    return who;
}

/* An owner that lives, or may. */
static char *find_owner(const struct inspection *in)
{
    for (uint32_t i = 0; i < in->owner_count; i++)
        if (in->owners[i].view.fate != OWNER_IS_DEAD)
            return judge_who(&in->owners[i]);
    return NULL;
}

/* REMOVAL_DONE: nothing speaks against it. */
static enum removal check(struct attempt *a)
{
    struct inspection in;
    bool is_wanted;

    /* With a lease there is none; a search would keep who opens it waiting. */
    a->why = a->is_leased ? NULL : find_user(a->segment);
    inspect_open(&in, a->segment);
    if (!a->why)
        a->why = find_owner(&in);
    is_wanted = !a->wanted || a->wanted(&in, a->context);
    inspect_close(&in);
    if (!a->why && a->is_leased && fcntl(a->segment->fd, F_GETLEASE) != F_RDLCK)
        a->why = finding_say("somebody is opening it this moment");
    if (a->why)
        return REMOVAL_IN_USE;
    return is_wanted ? REMOVAL_DONE : REMOVAL_UNWANTED;
}

/* Beside it, so that it is a mere change of name. If we are killed here it is
 * found by its magic. */
static char *name_aside(const struct segment *s)
{
    const char *slash = strrchr(s->path, '/');
    int directory = slash ? (int)(slash + 1 - s->path) : 0;
    char *aside;

    if (asprintf(&aside, "%.*sshmipc-removed-%d-%.200s", directory, s->path,
                 (int)getpid(), s->path + directory) < 0)
        return NULL;
    return aside;
}

static int move(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

/* Who wanted it has it by now, or has given up. */
static void remove_aside(struct attempt *a, const char *aside)
{
    char *who = NULL;
    bool is_free = false;

    if (a->is_leased) {
        fcntl(a->segment->fd, F_SETLEASE, F_UNLCK);
        nanosleep(&moment, NULL);
        is_free = fcntl(a->segment->fd, F_SETLEASE, F_RDLCK) == 0;
    } else {
        who = find_user(a->segment);
        is_free = who == NULL;
    }
    free(who);
    if (is_free)
        unlink(aside);
}

static enum removal remove_by(struct attempt *a, const char *aside)
{
    const char *path = a->segment->path;
    enum removal done;

    if (move(path, aside) != 0)
        return failed(errno);
    /* Who had found it by its name, and not opened it yet, is seen then. */
    nanosleep(&moment, NULL);
    done = check(a);
    if (done == REMOVAL_DONE)
        return unlink(aside) == 0 ? REMOVAL_DONE : failed(errno);
    if (move(aside, path) == 0 || errno != EEXIST)
        return done;
    /* There is another one of that name by now. */
    remove_aside(a, aside);
    return REMOVAL_GONE;
}

static enum removal remove_leased(struct attempt *a)
{
    enum removal done = check(a);
    char *aside;

    if (done != REMOVAL_DONE)
        return done;
    if (!segment_is_in_place(a->segment))
        return REMOVAL_GONE;
    aside = name_aside(a->segment);
    done = aside ? remove_by(a, aside) : failed(ENOMEM);
    free(aside);
    return done;
}

static enum removal remove_locked(struct attempt *a)
{
    int fd = a->segment->fd;
    enum removal done;

    /* The kernel tells us of who opens it meanwhile. */
    signal(SIGIO, SIG_IGN);
    a->is_leased = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
    if (!a->is_leased && errno == EAGAIN) {
        a->why = find_user(a->segment);
        if (!a->why)
            a->why = finding_say("a process that cannot be seen from here has "
                                 "it open");
        return REMOVAL_IN_USE;
    }
    done = remove_leased(a);
    if (a->is_leased)
        fcntl(fd, F_SETLEASE, F_UNLCK);
    return done;
}

enum removal removal_try(const struct segment *s, removal_wanted *wanted,
                         void *context, char **why)
{
    struct attempt a = {.segment = s, .wanted = wanted, .context = context};
    enum removal done;

    *why = NULL;
    if (flock(s->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return failed(errno);
        *why = finding_say("a program has opened it by its name");
        return REMOVAL_IN_USE;
    }
    done = remove_locked(&a);
    *why = a.why;
    flock(s->fd, LOCK_UN);
    return done;
}

enum removal removal_force(const struct segment *s)
{
    return unlink(s->path) == 0 ? REMOVAL_DONE : failed(errno);
}
