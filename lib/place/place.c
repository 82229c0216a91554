/* SPDX-License-Identifier: MIT */
/*
 * Opening a name: who makes it, who joins it, and who looks again.
 */
#include "place/place.h"

#include "backing.h"
#include "cancel.h"
#include "debug.h"
#include "place/content.h"
#include "place/options.h"
#include "ring/format.h"
#include "wait/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of one attempt: something was in motion, look at the name again. */
#define AGAIN IPC_ERR_LOCKED

enum {
    /* A creator gives the mode a moment after the name: how long "permission
     * denied" is not believed. */
    MODE_WAIT_NS = 20000000,
    SHORTEST_PAUSE_NS = 50000,
    LONGEST_PAUSE_NS = 1000000,
    /* Who unlinks waits so long for who holds the exclusive lock. */
    UNLINK_WAIT_NS = 100000000,
};

struct opening {
    const char *name;
    const IpcOpenOptions *options;
    const struct place_use *use;
    struct place *place;
    IpcOpenError *body;
    const char **detail;
    int64_t forbidden_until;
    int64_t deadline;
    uint64_t made; /* creation number of what this call formatted, or 0 */
    bool is_new;   /* the file: this attempt made it */
    bool is_zero;  /* so was all of it when it was looked at under the lock */
};

static IpcStatus refuse(const struct opening *w, IpcStatus status,
                        const char *why)
{
    *w->detail = why;
    return status;
}

/* What the kernel lacks is told apart from what it refuses. */
static IpcStatus system_error(const struct opening *w, int error)
{
    w->body->sys_errno = error;
    return error == ENOSYS ? IPC_ERR_UNSUPPORTED : IPC_ERR_SYSTEM;
}

/* -------------------------------------------------------------- the lock */

static bool take_lock(const struct opening *w, int kind)
{
    return flock(w->place->fd, kind | LOCK_NB) == 0;
}

/* Asked when a lock was taken. */
static bool has_no_name(const struct opening *w)
{
    struct stat file;

    return !(w->options->flags & IPC_OPEN_MEMFD) &&
           (fstat(w->place->fd, &file) != 0 || file.st_nlink == 0);
}

static void pause_for(int64_t *ns, int64_t deadline)
{
    clock_sleep_until(clock_earlier(clock_after(*ns), deadline));
    *ns = *ns * 2 < LONGEST_PAUSE_NS ? *ns * 2 : LONGEST_PAUSE_NS;
}

/* ---------------------------------------------------------------- looking */

static void let_go(struct place *p)
{
    file_unmap_memory(p);
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    p->created = false;
}

/* A creator may have the name in hand and not its mode yet, as long as nothing
 * is in the file; and what was looked at may be older than its mode. */
static IpcStatus forbidden(struct opening *w)
{
    int error = file_tell(w->place, w->name, w->body);

    if (error == ENOENT)
        return AGAIN;
    *w->detail = error == EACCES
                     ? "this user may not look into a directory of the path: "
                       "let its owner give another mode"
                     : file_system_detail(EACCES, false);
    if (error)
        return system_error(w, error);
    if (w->forbidden_until == 0)
        w->forbidden_until = clock_after(MODE_WAIT_NS);
    return clock_is_past(w->deadline) || (w->body->existing_size > 0 &&
                                          clock_is_past(w->forbidden_until))
               ? system_error(w, EACCES)
               : AGAIN;
}

static IpcStatus create_file(struct opening *w)
{
    w->place->fd = file_open(w->place, w->name, true);
    w->is_new = w->place->fd >= 0;
    if (w->is_new)
        return IPC_OK;
    if (errno == EEXIST && !(w->options->flags & IPC_OPEN_MEMFD))
        return AGAIN;
    *w->detail = file_system_detail(errno, true);
    return system_error(w, errno);
}

static IpcStatus get_file(struct opening *w)
{
    uint32_t flags = w->options->flags;
    int error;

    if (flags & IPC_OPEN_MEMFD)
        return create_file(w);
    w->place->fd = file_open(w->place, w->name, false);
    if (w->place->fd < 0 && errno == ENOENT) {
        if (flags & IPC_OPEN_CONNECT_ONLY)
            return refuse(w, IPC_ERR_NOT_FOUND,
                          "there is nothing of that name: start its creator "
                          "first, or open without IPC_OPEN_CONNECT_ONLY");
        return create_file(w);
    }
    if (w->place->fd < 0 && errno == EACCES)
        return forbidden(w);
    /* Somebody has a lease on it: he looks whether it is in use, to remove it
     * if not, and knows by now that we want it. */
    if (w->place->fd < 0 && errno == EWOULDBLOCK)
        return AGAIN;
    error = w->place->fd < 0 ? errno : file_check(w->place->fd, flags, w->body);
    if (!error)
        return IPC_OK;
    *w->detail = file_system_detail(error, false);
    return system_error(w, error);
}

/* Alone is better where it may be replaced; else there may be many of us. */
static IpcStatus get_lock(const struct opening *w, bool *alone)
{
    int error;

    *alone = (w->options->flags & (IPC_OPEN_REPLACE_DEAD | IPC_OPEN_MEMFD)) &&
             take_lock(w, LOCK_EX);
    if (*alone || take_lock(w, LOCK_SH))
        return has_no_name(w) ? AGAIN : IPC_OK;
    error = errno;
    if (error == EWOULDBLOCK)
        return AGAIN;
    *w->detail = "the file could not be locked: see sys_errno (ENOLCK: no "
                 "memory for locks; else this file system has no flock(): use "
                 "a name, or a path elsewhere)";
    return system_error(w, error);
}

static uint32_t version_in(const struct place *p)
{
    const struct shm_identity *id = p->memory;

    return id->magic == SHMIPC_MAGIC ? id->layout_version : 0;
}

_Static_assert(SHMIPC_LAYOUT_VERSION == 6, "so says the text below");

static IpcStatus tell_foreign(const struct opening *w, IpcStatus status)
{
    switch (status) {
    case IPC_ERR_LAYOUT_VERSION:
        w->body->layout_version = version_in(w->place);
        return refuse(
            w, status,
            "it was made by a libshmipc whose layout has the version "
            "error.body.layout_version (0: of another byte order), and "
            "this one's is 6: use one libshmipc on both sides, or "
            "unlink it when nobody uses it");
    case IPC_ERR_NOT_FORMATTED:
        return refuse(w, status,
                      "it exists and holds something else, of another program: "
                      "use another name, or remove it if nobody needs it");
    case IPC_ERR_TRUNCATED:
        return refuse(w, status,
                      "the file is shorter than what was made in it: somebody "
                      "cut it short; unlink it");
    default:
        return refuse(w, status,
                      "its header cannot be true: the memory was damaged; "
                      "unlink it");
    }
}

/* IPC_OK: it can be joined. IPC_ERR_INITIALIZING: it is to be made. */
static IpcStatus look(struct opening *w, struct ring *ring)
{
    struct place *p = w->place;
    enum content content;
    uint64_t needed;
    IpcStatus status;
    int error;

    file_unmap_memory(p);
    *w->detail = "what is in the file could not be read: see sys_errno";
    error = content_look(p->fd, &content, &p->size);
    if (error)
        return system_error(w, error);
    w->body->existing_size = p->size;
    w->is_zero = content == CONTENT_NONE;
    if (content == CONTENT_NONE)
        return IPC_ERR_INITIALIZING;
    if (content == CONTENT_ELSE)
        return tell_foreign(w, IPC_ERR_NOT_FORMATTED);
    error = file_map_memory(p, w->detail);
    if (error)
        return system_error(w, error);
    status = format_open(p->memory, (size_t)p->size, ring, &needed);
    if (status != IPC_OK && status != IPC_ERR_INITIALIZING)
        tell_foreign(w, status);
    return status;
}

/* ----------------------------------------------------- making and joining */

static bool all_are_dead(const struct place *p, struct ring *ring)
{
    struct owner_table *owners = &ring->owners;
    bool dead = true;

    owners->backing = backing_open(p->fd);
    owners->place = (uint64_t)((const unsigned char *)owners->slots -
                               (const unsigned char *)p->memory);
    for (uint32_t i = 0; i < owners->count && dead; i++) {
        struct owner_view view;

        dead = !owner_look(owners, i, &view) || view.fate == OWNER_IS_DEAD;
    }
    if (owners->backing)
        backing_release(owners->backing);
    return dead;
}

/* From exclusive to shared, which lets others in between. */
static IpcStatus share_lock(const struct opening *w)
{
    int64_t pause = SHORTEST_PAUSE_NS;

    while (!take_lock(w, LOCK_SH)) {
        if (errno != EWOULDBLOCK || clock_is_past(w->deadline))
            return AGAIN;
        pause_for(&pause, w->deadline);
    }
    return has_no_name(w) ? AGAIN : IPC_OK;
}

static IpcStatus make(struct opening *w)
{
    struct place *p = w->place;
    const struct place_use *use = w->use;
    IpcStatus status = IPC_OK;
    int error;

    if (!w->is_new)
        DEBUG_SAY("%s was left half made: it is made anew", w->name);
    file_unmap_memory(p);
    error = file_make_memory(p, use->size, w->options, w->detail);
    if (error)
        status = system_error(w, error);
    if (status == IPC_OK)
        status = use->create(use->user, p->memory, (size_t)p->size, p->fd,
                             w->is_zero, w->detail);
    /* Somebody who has it mapped without a lock was quicker. */
    if (status == IPC_ERR_IN_USE)
        return AGAIN;
    if (status != IPC_OK) {
        /* Those who wait for the lock see that it has no name any more. */
        if (!(w->options->flags & IPC_OPEN_MEMFD))
            file_remove(p, w->name);
        return status;
    }
    p->created = true;
    /* Relaxed: stored by this thread. */
    w->made = atomic_get_relaxed(&((struct shm_identity *)p->memory)->creation);
    status = share_lock(w);
    if (status != IPC_OK)
        use->leave(use->user);
    return status;
}

static IpcStatus make_way(const struct opening *w)
{
    int error = file_remove(w->place, w->name);

    if (!error)
        DEBUG_SAY("all who used %s are dead: it is removed, to be made anew",
                  w->name);
    if (!error || error == ENOENT)
        return AGAIN;
    *w->detail =
        "all who used it are dead, but it could not be removed: only "
        "its owner, error.body.owner, or who may write into a directory "
        "without the sticky bit can do that; open without "
        "IPC_OPEN_REPLACE_DEAD";
    return system_error(w, error);
}

static IpcStatus join(const struct opening *w, bool alone, struct ring *ring)
{
    struct place *p = w->place;
    IpcStatus status;
    int error;

    if (alone && w->options->flags & IPC_OPEN_REPLACE_DEAD &&
        all_are_dead(p, ring))
        return make_way(w);
    p->created = ring->creation == w->made;
    if (w->options->flags & IPC_OPEN_EXCLUSIVE && !p->created)
        return refuse(w, IPC_ERR_EXISTS,
                      "it exists: open without IPC_OPEN_EXCLUSIVE; or with "
                      "IPC_OPEN_REPLACE_DEAD as well, if it is a leftover of "
                      "the dead; or unlink it when nobody uses it");
    if (alone && share_lock(w) != IPC_OK)
        return AGAIN;
    error = file_settle_memory(p, w->options, w->detail);
    if (error)
        return system_error(w, error);
    status = w->use->join(w->use->user, p->memory, (size_t)p->size, p->fd,
                          w->detail);
    /* Somebody who has it mapped without a lock formats it anew. */
    return status == IPC_ERR_FORMATTED_ANEW || status == IPC_ERR_INITIALIZING
               ? AGAIN
               : status;
}

/* It is to be made, by who is alone with it. */
static IpcStatus make_alone(struct opening *w, bool alone, struct ring *ring)
{
    IpcStatus status;

    /* Its creator may be just before its lock. */
    if (w->options->flags & IPC_OPEN_CONNECT_ONLY)
        return AGAIN;
    if (alone)
        return make(w);
    if (!take_lock(w, LOCK_EX) || has_no_name(w))
        return AGAIN;
    status = look(w, ring);
    if (status == IPC_ERR_INITIALIZING)
        return make(w);
    return status == IPC_OK ? join(w, true, ring) : status;
}

/* A file that this attempt made and nobody has used. */
static void take_back(const struct opening *w)
{
    struct stat file;

    if (w->is_new && !(w->options->flags & IPC_OPEN_MEMFD) &&
        fstat(w->place->fd, &file) == 0 && file.st_size == 0)
        file_remove(w->place, w->name);
}

static IpcStatus look_and_enter(struct opening *w, bool alone)
{
    struct ring ring = {0};
    IpcStatus status = look(w, &ring);

    if (status == IPC_OK)
        return join(w, alone, &ring);
    return status == IPC_ERR_INITIALIZING ? make_alone(w, alone, &ring)
                                          : status;
}

static IpcStatus attempt(struct opening *w)
{
    bool alone = false;
    IpcStatus status;

    w->is_new = false;
    status = get_file(w);
    if (status == IPC_OK)
        status = get_lock(w, &alone);
    if (status == IPC_OK)
        status = look_and_enter(w, alone);
    if (status != IPC_OK && status != AGAIN)
        take_back(w);
    return status;
}

static IpcStatus try_until_deadline(struct opening *w)
{
    int64_t pause = SHORTEST_PAUSE_NS;

    for (;;) {
        IpcStatus status = attempt(w);

        if (status == IPC_OK)
            return IPC_OK;
        let_go(w->place);
        if (status != AGAIN)
            return status;
        if (clock_is_past(w->deadline))
            return refuse(w, IPC_ERR_INITIALIZING,
                          "the time passed while another process was creating "
                          "or removing it: that one is slow or stopped (fuser "
                          "names it); wait longer (options.timeout_ns), end "
                          "it, or unlink the name");
        pause_for(&pause, w->deadline);
    }
}

/* ----------------------------------------------------------------- public */

static int64_t deadline_of(uint64_t timeout_ns)
{
    return clock_after(timeout_ns > INT64_MAX ? INT64_MAX
                                              : (int64_t)timeout_ns);
}

/* A path goes on from where it began, whatever becomes the current directory,
 * in this call or before the handle goes; and that may be deeper than a path
 * can be long. */
static IpcStatus open_directory(const struct opening *w)
{
    struct place *p = w->place;

    if (!(p->flags & IPC_OPEN_PATH) || *w->name == '/')
        return IPC_OK;
    p->directory = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (p->directory >= 0)
        return IPC_OK;
    *w->detail = file_system_detail(errno, true);
    return system_error(w, errno);
}

static void close_directory(struct place *p)
{
    if (p->directory >= 0)
        close(p->directory);
    p->directory = AT_FDCWD;
}

static struct place *new_place(const char *name, uint32_t flags)
{
    struct place *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->fd = -1;
    p->flags = flags;
    p->opener = process_token();
    p->directory = AT_FDCWD;
    p->name = strdup(name);
    if (!p->name) {
        free(p);
        return NULL;
    }
    return p;
}

static void free_place(struct place *p)
{
    close_directory(p);
    free(p->name);
    free(p);
}

IpcStatus place_open(const char *name, const IpcOpenOptions *options,
                     const struct place_use *use, struct place **place,
                     IpcOpenError *body, const char **detail)
{
    struct opening w = {
        .name = name,
        .options = options,
        .use = use,
        .body = body,
        .detail = detail,
        .deadline = deadline_of(options->timeout_ns),
    };
    IpcStatus status = IPC_ERR_ALLOCATION;
    int state;

    body->own_layout_version = SHMIPC_LAYOUT_VERSION;
    if (use->size > PTRDIFF_MAX) {
        *detail = "options.size (error.body.value) is more than a buffer can "
                  "have, about 16 GiB, or than this process can map";
        body->value =
            options->size > INT64_MAX ? INT64_MAX : (int64_t)options->size;
        return IPC_ERR_INVALID_ARGUMENT;
    }
    state = cancel_disable();
    *detail = "malloc failed: no memory for the handle";
    w.place = new_place(name, options->flags);
    if (w.place)
        status = open_directory(&w);
    if (status == IPC_OK)
        status = try_until_deadline(&w);
    if (status == IPC_OK && !(options->flags & IPC_OPEN_UNLINK_LAST))
        close_directory(w.place);
    if (status == IPC_OK)
        *place = w.place;
    else if (w.place)
        free_place(w.place);
    cancel_restore(state);
    return status;
}

/* The last one out. In a forked child the description is the parent's, too. */
static void remove_if_last(const struct place *p)
{
    if (p->flags & IPC_OPEN_UNLINK_LAST && p->opener == process_token() &&
        flock(p->fd, LOCK_EX | LOCK_NB) == 0)
        file_remove(p, p->name);
}

void place_leave(struct place *p)
{
    int saved = errno;
    int state;

    if (!p)
        return;
    state = cancel_disable();
    remove_if_last(p);
    let_go(p);
    free_place(p);
    cancel_restore(state);
    errno = saved;
}

/* Whoever holds the exclusive lock may have looked whose the name is, and be
 * about to remove it: if it were removed here and made anew by a third in
 * between, he would take that one's. But who is stopped then is not waited for,
 * since removing the name is what helps. */
static int remove_between(const char *name)
{
    const int64_t deadline = clock_after(UNLINK_WAIT_NS);
    const int fd = file_open_to_lock(name);
    int64_t pause = SHORTEST_PAUSE_NS;
    int error;

    while (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 &&
           errno == EWOULDBLOCK && !clock_is_past(deadline))
        pause_for(&pause, deadline);
    error = file_remove_name(name) == 0 ? 0 : errno;
    if (fd >= 0)
        close(fd);
    return error;
}

IpcStatus place_unlink(const char *name, IpcOpenError *body,
                       const char **detail)
{
    IpcStatus status = options_check_name(name, 0, detail);
    int state;

    if (status != IPC_OK && name && strchr(name + (*name == '/'), '/'))
        *detail = "the name has a slash that is not its first character: pass "
                  "what was opened without IPC_OPEN_PATH, and remove a path by "
                  "unlink()";
    if (status != IPC_OK)
        return status;
    state = cancel_disable();
    body->sys_errno = remove_between(name);
    cancel_restore(state);
    if (body->sys_errno == 0)
        return IPC_OK;
    if (body->sys_errno == ENOENT) {
        *detail = "there is nothing of that name: it is removed already, or "
                  "the name is wrong";
        return IPC_ERR_NOT_FOUND;
    }
    *detail = "the name could not be removed: see sys_errno (EACCES, "
              "EPERM: it belongs to another user)";
    return IPC_ERR_SYSTEM;
}
