/* SPDX-License-Identifier: MIT */
/*
 * A descriptor for event loops that needs nothing of other processes: once it
 * is asked for, the handle has a ring whose wait for the sequence word makes
 * an eventfd of its own readable. Whoever only blocks sleeps on the futex
 * word, which is faster (docs/benchmarks/experiments.md).
 *
 * The eventfd is what is polled, and not the ring: the kernel completes a futex
 * wait in the thread that submitted it, and interrupts that thread for it, so
 * that its epoll_wait() ends with EINTR. IORING_SETUP_DEFER_TASKRUN leaves the
 * work to the thread's next call into the ring and interrupts nobody. The
 * descriptor of such a ring does not become readable then (tried on Linux
 * 6.18), but an eventfd that is registered with it does. The ring belongs to
 * one thread: if another one arms, there is a new ring, and after MOVES_MAX of
 * these a ring that any thread may use, interruptions included.
 *
 * When a ring goes, the kernel interrupts once more who used it: an
 * epoll_wait() soon after a handle was made, for which a ring is tried, or
 * destroyed can end with EINTR.
 *
 * A child that inherited the handle by fork leaves the parent's ring alone.
 */
#include "ring/process.h"
#include "wait/counter.h"
#include "wait/uring.h"
#include "wait/wait.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    RING_ENTRIES = 2, /* a wait, its cancellation */
    RING_FLAGS = IORING_SETUP_SUBMIT_ALL,
    MOVES_MAX = 8,
};

/* Which operation a completion is of; also the bits of `due`. */
enum { TAG_WAIT = 1, TAG_CANCEL = 2 };

struct polled {
    pthread_mutex_t lock;
    struct io_uring ring;
    bool open;     /* the ring is there */
    int fd;        /* the eventfd, or -1 */
    unsigned due;  /* TAG_*: completions to come */
    uint32_t seen; /* what the wait that is due waits for */
    unsigned moves;
};

static IpcStatus status_of(int error)
{
    switch (error) {
    case 0:
        return IPC_OK;
    case -ENOMEM:
    case -EMFILE:
    case -ENFILE:
        return IPC_ERR_ALLOCATION;
    default: /* no io_uring, forbidden, or too old */
        return IPC_ERR_UNSUPPORTED;
    }
}

/* A full queue, here and below, means that the kernel took nothing from it: the
 * ring is of no use then. */
static bool submit_cancel(struct io_uring *ring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

    if (!sqe)
        return false;
    io_uring_prep_cancel64(sqe, TAG_WAIT, 0);
    io_uring_sqe_set_data64(sqe, TAG_CANCEL);
    return io_uring_submit(ring) == 1;
}

static void close_ring_of(struct polled *p)
{
    if (p->open)
        io_uring_queue_exit(&p->ring);
    p->open = false;
    p->due = 0;
}

static IpcStatus open_ring_of(struct polled *p)
{
    unsigned flags = RING_FLAGS;
    int error;

    if (p->moves < MOVES_MAX)
        flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG;
    p->moves++;
    error = io_uring_queue_init(RING_ENTRIES, &p->ring, flags);
    if (error)
        return status_of(error);
    p->open = true;
    error = io_uring_register_eventfd(&p->ring, p->fd);
    if (error)
        close_ring_of(p);
    return status_of(error);
}

/* Takes the completions that are there. False: it is another thread's ring. */
static bool reap(struct polled *p)
{
    struct io_uring_cqe *cqe;
    int error;

    while ((error = io_uring_peek_cqe(&p->ring, &cqe)) == 0) {
        p->due &= ~(unsigned)io_uring_cqe_get_data64(cqe);
        io_uring_cqe_seen(&p->ring, cqe);
    }
    return error == -EAGAIN || error == -EINTR;
}

/* Takes all completions that are to come, which is soon: the wait is being
 * cancelled. */
static bool reap_rest(struct polled *p)
{
    struct io_uring_cqe *cqe;

    while (p->due) {
        int error = io_uring_wait_cqe(&p->ring, &cqe);

        if (error == -EINTR)
            continue;
        if (error != 0 || !reap(p))
            return false;
    }
    return true;
}

static bool cancel(struct polled *p)
{
    p->due |= TAG_CANCEL;
    return submit_cancel(&p->ring) && reap_rest(p);
}

static bool is_armed(const struct polled *p)
{
    return p->due == TAG_WAIT;
}

/*
 * Takes what made the descriptor readable. Taking completions can make it
 * readable again, so the read comes after that; and a completion that comes
 * between the two must not be lost, so there is a second look after the read.
 */
static bool consume(struct polled *p)
{
    if (p->open && !reap(p))
        return false;
    if (p->due && !is_armed(p) && !reap_rest(p))
        return false;
    counter_clear(p->fd);
    return !p->open || reap(p);
}

static bool submit(struct polled *p, atomic_u32 *word, uint32_t seen)
{
    struct io_uring_sqe *sleep = io_uring_get_sqe(&p->ring);

    if (!sleep)
        return false;
    uring_prep_wait(sleep, word, seen);
    io_uring_sqe_set_data64(sleep, TAG_WAIT);
    p->seen = seen;
    p->due = TAG_WAIT;
    return io_uring_submit(&p->ring) == 1;
}

static bool rearm(struct polled *p, atomic_u32 *word, uint32_t seen)
{
    if (is_armed(p) && p->seen == seen)
        return true;
    if (is_armed(p) && !cancel(p))
        return false;
    if (!reap_rest(p))
        return false;
    return submit(p, word, seen);
}

static IpcStatus arm(struct polled *p, atomic_u32 *word, uint32_t seen)
{
    IpcStatus status = IPC_OK;

    /* A ring that fails, or is another thread's, is replaced once. */
    for (int tries = 0; tries < 2; tries++) {
        if (!consume(p)) {
            close_ring_of(p);
            continue;
        }
        if (!p->open)
            status = open_ring_of(p);
        if (status != IPC_OK)
            return status;
        if (rearm(p, word, seen))
            return IPC_OK;
        close_ring_of(p);
    }
    return IPC_ERR_SYSTEM;
}

static IpcStatus uring_arm(struct waiter *w, uint32_t seen)
{
    struct polled *p = w->ring;
    IpcStatus status = IPC_ERR_ILLEGAL_STATE;
    int saved = errno;
    int cancelling;

    if (w->token != process_token())
        return status;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling);
    pthread_mutex_lock(&p->lock);
    if (p->fd >= 0)
        status = arm(p, &wait_words(w, WAIT_READERS)->sequence, seen);
    pthread_mutex_unlock(&p->lock);
    pthread_setcancelstate(cancelling, NULL);
    errno = saved;
    return status;
}

static int uring_fd(struct waiter *w)
{
    struct polled *p = w->ring;
    int fd;

    if (w->token != process_token())
        return -1;
    pthread_mutex_lock(&p->lock);
    if (p->fd < 0)
        p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fd = p->fd;
    pthread_mutex_unlock(&p->lock);
    return fd;
}

static void uring_raise(const struct waiter *w)
{
    const struct polled *p = w->ring;

    counter_raise(p->fd);
}

/* -------------------------------------------------------- open and close */

static IpcStatus probe(struct io_uring *ring)
{
    struct io_uring_probe *found = io_uring_get_probe_ring(ring);
    bool supported =
        found && io_uring_opcode_supported(found, URING_FUTEX_WAIT);

    free(found);
    return supported ? IPC_OK : IPC_ERR_UNSUPPORTED;
}

/* Nothing is polled yet; but if the kernel cannot do it, the caller is to learn
 * so now. */
static IpcStatus try_a_ring(void)
{
    struct io_uring ring;
    IpcStatus status =
        status_of(io_uring_queue_init(RING_ENTRIES, &ring, RING_FLAGS));

    if (status != IPC_OK)
        return status;
    status = probe(&ring);
    io_uring_queue_exit(&ring);
    return status;
}

static IpcStatus uring_open(struct waiter *w)
{
    IpcStatus status = try_a_ring();
    struct polled *p;

    if (status != IPC_OK)
        return status;
    p = calloc(1, sizeof *p);
    if (!p)
        return IPC_ERR_ALLOCATION;
    pthread_mutex_init(&p->lock, NULL);
    p->fd = -1;
    w->ring = p;
    return IPC_OK;
}

/* In a child that inherited the handle this unmaps and closes its copies, and
 * the ring stays as it is. */
static void uring_close(struct waiter *w)
{
    struct polled *p = w->ring;

    /* An armed wait could swallow a wake-up while its ring is being closed.
     * One of another thread's ring cannot be cancelled, but wakers wake all. */
    if (w->token == process_token() && p->open && reap(p) && is_armed(p))
        cancel(p);
    close_ring_of(p);
    if (p->fd >= 0)
        close(p->fd);
    free(p);
    w->ring = NULL;
}

const struct wait_backend wait_backend_io_uring = {
    .name = "io_uring",
    .sleeps_by = WAIT_BY_WORD,
    .polls_by = WAIT_BY_WORD,
    .open = uring_open,
    .close = uring_close,
    .fd = uring_fd,
    .arm = uring_arm,
    .raise = uring_raise,
};
