/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include "cancel.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Behind whatever a file can hold. */
#define LOCK_FIRST (INT64_C(1) << 62)
_Static_assert(sizeof(off_t) == 8, "offsets of files have 64 bits");

struct hold {
    uint64_t place;
    uint32_t count; /* 0: not locked, to be used again */
    struct hold *next;
};

struct backing {
    dev_t device;
    ino_t inode;
    int fd; /* -1: none any more */
    uint32_t users;
    struct hold *holds;
    struct backing *next;
};

struct note {
    const unsigned char *memory;
    uint64_t size;
    struct backing *backing;
    struct note *next;
};

static struct backing *files;
static struct note *notes;
static bool has_handlers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int enter(void)
{
    int state = cancel_disable();

    pthread_mutex_lock(&lock);
    return state;
}

static void leave(int state)
{
    pthread_mutex_unlock(&lock);
    cancel_restore(state);
}

static bool is_file(int fd, struct stat *file)
{
    return fstat(fd, file) == 0 && S_ISREG(file->st_mode);
}

/* The program may have closed a descriptor that it knows nothing of, and have
 * another file there now: what that says of locks would be wrong. */
static bool is_still_there(struct backing *b)
{
    struct stat file;

    if (b->fd >= 0 && (!is_file(b->fd, &file) || file.st_dev != b->device ||
                       file.st_ino != b->inode))
        b->fd = -1;
    return b->fd >= 0;
}

/* To read is enough, for the lock as well as for the question. */
static int open_anew(int fd, const struct stat *wanted)
{
    char path[32];
    struct stat file;
    int own;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    own = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (own >= 0 && (!is_file(own, &file) || file.st_dev != wanted->st_dev ||
                     file.st_ino != wanted->st_ino)) {
        close(own);
        own = -1;
    }
    return own;
}

/* ------------------------------------------------------------------- fork */

/* What came with the fork holds the parent's locks as long as it is open. It
 * stays so where fstat() cannot tell whose a descriptor is, as it can fail on
 * network file systems: to close what may be the program's would be worse, and
 * all that comes of it is that the parent's death is not proven by its lock as
 * long as this child lives. */
static void open_all_anew(void)
{
    for (struct backing *b = files; b; b = b->next) {
        struct stat wanted = {.st_dev = b->device, .st_ino = b->inode};
        int own;

        for (struct hold *h = b->holds; h; h = h->next)
            h->count = 0;
        if (!is_still_there(b))
            continue;
        own = open_anew(b->fd, &wanted);
        if (own < 0 || dup3(own, b->fd, O_CLOEXEC) < 0) {
            close(b->fd);
            b->fd = -1;
        }
        if (own >= 0)
            close(own);
    }
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

/* fork() is no cancellation point. */
static void after_fork_in_child(void)
{
    int saved = errno;
    int state = cancel_disable();

    open_all_anew();
    errno = saved;
    pthread_mutex_unlock(&lock);
    cancel_restore(state);
}

void backing_after_fork(_Atomic uint64_t *done)
{
    int state = enter();

    /* Under the lock: once done, this process may have locks of its own. */
    if (!*done)
        open_all_anew();
    *done = 1;
    leave(state);
}

static bool handles_forks(void)
{
    if (!has_handlers)
        has_handlers = pthread_atfork(before_fork, after_fork_in_parent,
                                      after_fork_in_child) == 0;
    return has_handlers;
}

/* ------------------------------------------------------------------ files */

static struct backing *find_file(const struct stat *file)
{
    for (struct backing *b = files; b; b = b->next)
        if (b->device == file->st_dev && b->inode == file->st_ino &&
            is_still_there(b))
            return b;
    return NULL;
}

static struct backing *remember(const struct stat *file, int own)
{
    struct backing *b = NULL;

    if (own >= 0 && handles_forks())
        b = calloc(1, sizeof *b);
    if (!b) {
        if (own >= 0)
            close(own);
        return NULL;
    }
    *b = (struct backing){.device = file->st_dev,
                          .inode = file->st_ino,
                          .fd = own,
                          .next = files};
    files = b;
    return b;
}

static struct backing *take(int fd, bool is_own)
{
    int saved = errno;
    int state = enter();
    struct stat file;
    struct backing *b = NULL;

    if (is_file(fd, &file)) {
        b = find_file(&file);
        if (!b)
            b = remember(&file, is_own ? fd : open_anew(fd, &file));
        else if (is_own)
            close(fd);
    } else if (is_own) {
        close(fd);
    }
    if (b)
        b->users++;
    leave(state);
    errno = saved;
    return b;
}

struct backing *backing_adopt(int fd)
{
    return take(fd, true);
}

struct backing *backing_open(int fd)
{
    return take(fd, false);
}

bool backing_read(int fd, uint64_t place, void *to, size_t size)
{
    int saved = errno;
    int state = cancel_disable();
    struct stat file;
    bool done = is_file(fd, &file) &&
                pread(fd, to, size, (off_t)place) == (ssize_t)size;

    cancel_restore(state);
    errno = saved;
    return done;
}

static void release(struct backing *b)
{
    struct backing **at = &files;

    if (--b->users > 0)
        return;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    if (is_still_there(b))
        close(b->fd);
    while (b->holds) {
        struct hold *next = b->holds->next;

        free(b->holds);
        b->holds = next;
    }
    free(b);
}

void backing_release(struct backing *b)
{
    int saved = errno;
    int state = enter();

    release(b);
    leave(state);
    errno = saved;
}

void backing_note(const void *memory, uint64_t size, struct backing *b)
{
    struct note *note = malloc(sizeof *note);
    int state = enter();

    if (note) {
        *note = (struct note){memory, size, b, notes};
        notes = note;
    } else {
        release(b);
    }
    leave(state);
}

void backing_forget(const void *memory)
{
    int state = enter();
    struct note **at = &notes;
    struct note *found;

    while (*at && (*at)->memory != memory)
        at = &(*at)->next;
    found = *at;
    if (found) {
        *at = found->next;
        release(found->backing);
    }
    leave(state);
    free(found);
}

static struct backing *find_noted(const void *memory, uint64_t *offset)
{
    struct backing *found = NULL;

    for (struct note *n = notes; n && !found; n = n->next) {
        /* As numbers: the address may be of other memory altogether. */
        *offset = (uint64_t)((uintptr_t)memory - (uintptr_t)n->memory);
        if (*offset < n->size)
            found = n->backing;
    }
    return found;
}

struct backing *backing_find(const void *memory, uint64_t *offset)
{
    int state = enter();
    struct backing *found = find_noted(memory, offset);

    leave(state);
    return found;
}

int backing_reopen(const void *memory, const int *fd)
{
    int saved = errno;
    int state = enter();
    uint64_t offset;
    struct backing *b = find_noted(memory, &offset);
    struct stat file;
    int own = -1;

    if (b && is_still_there(b))
        fd = &b->fd;
    if (fd && is_file(*fd, &file))
        own = open_anew(*fd, &file);
    leave(state);
    errno = saved;
    return own;
}

/* ------------------------------------------------------------------ locks */

static struct hold *find_hold(struct backing *b, uint64_t place)
{
    struct hold *unused = NULL;

    for (struct hold *h = b->holds; h; h = h->next) {
        if (h->count > 0 && h->place == place)
            return h;
        if (h->count == 0)
            unused = h;
    }
    if (!unused) {
        unused = calloc(1, sizeof *unused);
        if (unused) {
            unused->next = b->holds;
            b->holds = unused;
        }
    }
    if (unused)
        unused->place = place;
    return unused;
}

static int control(struct backing *b, int command, short type, uint64_t place,
                   struct flock *what)
{
    *what = (struct flock){.l_type = type,
                           .l_whence = SEEK_SET,
                           .l_start = (off_t)(LOCK_FIRST + (int64_t)place),
                           .l_len = 1};
    return fcntl(b->fd, command, what);
}

/* Shared: two copies of the library in one program may share an owner slot. */
bool backing_lock(struct backing *b, uint64_t place)
{
    int saved = errno;
    int state = enter();
    struct hold *h = is_still_there(b) ? find_hold(b, place) : NULL;
    struct flock what;
    bool done = h && (h->count > 0 ||
                      control(b, F_OFD_SETLK, F_RDLCK, place, &what) == 0);

    if (done)
        h->count++;
    leave(state);
    errno = saved;
    return done;
}

void backing_unlock(struct backing *b, uint64_t place)
{
    int saved = errno;
    int state = enter();
    struct hold *h = b->holds;
    struct flock what;

    while (h && (h->count == 0 || h->place != place))
        h = h->next;
    if (h && --h->count == 0 && is_still_there(b))
        control(b, F_OFD_SETLK, F_UNLCK, place, &what);
    leave(state);
    errno = saved;
}

enum backing_holder backing_ask(struct backing *b, uint64_t place)
{
    enum backing_holder holder = BACKING_NOT_KNOWN;
    int saved = errno;
    int state = enter();
    struct flock what;

    /* The look at the descriptor comes last: then it was ours before, too. */
    if (b->fd >= 0 && control(b, F_OFD_GETLK, F_WRLCK, place, &what) == 0 &&
        is_still_there(b))
        holder = what.l_type == F_UNLCK ? BACKING_NOBODY : BACKING_SOMEBODY;
    leave(state);
    errno = saved;
    return holder;
}
