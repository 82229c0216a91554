/* SPDX-License-Identifier: MIT */
/*
 * The ring belongs to one thread, which alone learns of completions, and only
 * when it asks (IORING_SETUP_DEFER_TASKRUN): so nothing interrupts what it does
 * between two waits. If another thread waits, there is a new ring, in which all
 * members begin anew; after MOVES_MAX of these there is none any more. A ring
 * that goes can take a wake with it, but wakers wake all, and a member that
 * begins anew compares its word.
 *
 * The next turn, too, is something that stays in the ring, and not the timeout
 * of each sleep: to set a timer and take it back costs more than to wait for
 * one word.
 */
#include "waitset/many_ring.h"
#include "shmipc_config.h"
#ifdef SHMIPC_HAVE_IO_URING
#include "wait/clock.h"
#include "wait/uring.h"
#include <errno.h>
#include <stdlib.h>

enum {
    RING_ENTRIES = 128,
    /* What does not fit at once waits in the kernel. */
    RING_COMPLETIONS = 1024,
    RING_FLAGS = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE |
                 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    MOVES_MAX = 8,
    /* user_data that is no member. */
    TAG_NOTHING = 0,
    TAG_CONTROL = 1,
    TAG_TURN = 2,
};

struct many_ring {
    struct io_uring ring;
    bool open;
    bool has_control; /* a wait for `control` is in it */
    bool has_turn;    /* and one for this time */
    int64_t turn;
    struct __kernel_timespec turn_time;
    unsigned moves;
    uint64_t thread;  /* whose it is */
    struct line gone; /* members that were removed, to be cancelled */
    struct line left; /* the same: their completion is awaited */
};

/* A number of the calling thread's own. Those of POSIX are given out again. */
static uint64_t this_thread(void)
{
    static atomic_u64 last;
    static _Thread_local uint64_t number;

    /* Relaxed: any number will do. */
    if (number == 0)
        number = atomic_add_relaxed(&last, 1) + 1;
    return number;
}

static void free_all(struct line *line)
{
    struct member *next;

    for (struct member *m = line->first; m; m = next) {
        next = m->after;
        free(m);
    }
    *line = (struct line){0};
}

/* All members begin anew. */
static void drop_ring(struct IpcWaitSet *set)
{
    struct many_ring *r = set->ring;

    if (r->open)
        io_uring_queue_exit(&r->ring);
    r->open = false;
    r->has_control = false;
    r->has_turn = false;
    free_all(&r->gone);
    free_all(&r->left);
    for (size_t i = 0; i < set->count; i++) {
        struct member *m = set->members[i];

        m->in_ring = false;
        if (m->line != &set->to_look)
            waitset_enter_line(&set->to_arm, m);
    }
}

static bool can_wait_for_words(struct io_uring *ring)
{
    struct io_uring_probe *found = io_uring_get_probe_ring(ring);
    bool can = found && io_uring_opcode_supported(found, URING_FUTEX_WAIT) &&
               ring->features & IORING_FEAT_EXT_ARG &&
               ring->features & IORING_FEAT_NODROP;

    free(found);
    return can;
}

static bool make_ring(struct IpcWaitSet *set)
{
    struct io_uring_params params = {.flags = RING_FLAGS,
                                     .cq_entries = RING_COMPLETIONS};
    struct many_ring *r = set->ring;

    if (r->moves++ == MOVES_MAX ||
        io_uring_queue_init_params(RING_ENTRIES, &r->ring, &params) != 0)
        return false;
    r->open = true;
    r->thread = this_thread();
    return can_wait_for_words(&r->ring);
}

/* Makes sure that there is a ring of this thread's. */
static bool have_ring(struct IpcWaitSet *set)
{
    if (!set->ring)
        set->ring = calloc(1, sizeof *set->ring);
    if (!set->ring)
        return false;
    if (set->ring->open && set->ring->thread == this_thread())
        return true;
    drop_ring(set);
    return make_ring(set);
}

/* NULL: the kernel takes nothing from this ring. */
static struct io_uring_sqe *next_entry(struct many_ring *r)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);

    if (!sqe && io_uring_submit(&r->ring) > 0)
        sqe = io_uring_get_sqe(&r->ring);
    return sqe;
}

static bool prepare_control(struct IpcWaitSet *set, uint32_t seen)
{
    struct io_uring_sqe *sqe;

    if (set->ring->has_control)
        return true;
    sqe = next_entry(set->ring);
    if (!sqe)
        return false;
    uring_prep_wait(sqe, &set->control, seen);
    io_uring_sqe_set_data64(sqe, TAG_CONTROL);
    set->ring->has_control = true;
    return true;
}

static bool prepare_turn(struct IpcWaitSet *set)
{
    struct many_ring *r = set->ring;
    struct io_uring_sqe *sqe;

    if (r->has_turn)
        return true;
    sqe = next_entry(r);
    if (!sqe)
        return false;
    r->turn = set->next_turn;
    r->turn_time = uring_timespec(r->turn);
    io_uring_prep_timeout(sqe, &r->turn_time, 0, IORING_TIMEOUT_ABS);
    io_uring_sqe_set_data64(sqe, TAG_TURN);
    r->has_turn = true;
    return true;
}

static bool prepare_members(struct IpcWaitSet *set)
{
    while (set->to_arm.first) {
        struct member *m = set->to_arm.first;
        struct io_uring_sqe *sqe = next_entry(set->ring);

        if (!sqe)
            return false;
        uring_prep_wait(sqe, m->word, m->seen);
        io_uring_sqe_set_data(sqe, m);
        m->in_ring = true;
        waitset_leave_line(m);
    }
    return true;
}

static bool prepare_cancels(struct many_ring *r)
{
    while (r->gone.first) {
        struct member *m = r->gone.first;
        struct io_uring_sqe *sqe = next_entry(r);

        if (!sqe)
            return false;
        io_uring_prep_cancel64(sqe, (uint64_t)(uintptr_t)m, 0);
        io_uring_sqe_set_data64(sqe, TAG_NOTHING);
        waitset_enter_line(&r->left, m);
    }
    return true;
}

static bool wait_for_one(struct many_ring *r, int64_t deadline)
{
    struct __kernel_timespec until;
    struct io_uring_cqe *cqe;
    int error;

    if (deadline >= r->turn) {
        error = io_uring_submit_and_wait(&r->ring, 1);
    } else {
        until = uring_timespec(deadline - clock_now());
        error =
            io_uring_submit_and_wait_timeout(&r->ring, &cqe, 1, &until, NULL);
    }
    return error >= 0 || error == -ETIME || error == -EINTR ||
           error == -EAGAIN || error == -EBUSY;
}

/* True: as expected. Else the kernel refuses to wait, and would again. */
static bool is_a_wake(int res)
{
    return res == 0 || res == -EAGAIN || res == -EINTR || res == -ECANCELED ||
           res == -EFAULT; /* see sleep_for() in group.c */
}

static bool complete(struct IpcWaitSet *set, const struct io_uring_cqe *cqe)
{
    struct member *m;

    if (cqe->user_data == TAG_NOTHING)
        return true;
    if (cqe->user_data == TAG_CONTROL) {
        set->ring->has_control = false;
        return is_a_wake(cqe->res);
    }
    if (cqe->user_data == TAG_TURN) {
        set->ring->has_turn = false;
        return cqe->res == -ETIME || cqe->res == -ECANCELED;
    }
    m = io_uring_cqe_get_data(cqe);
    if (!m->channel) {
        waitset_leave_line(m);
        free(m);
        return true;
    }
    m->in_ring = false;
    waitset_rang(m);
    return is_a_wake(cqe->res);
}

static bool complete_all(struct IpcWaitSet *set)
{
    struct io_uring *ring = &set->ring->ring;
    struct io_uring_cqe *cqe;
    bool well = true;

    while (io_uring_peek_cqe(ring, &cqe) == 0) {
        well = complete(set, cqe) && well;
        io_uring_cqe_seen(ring, cqe);
    }
    return well;
}

bool many_ring_sleep(struct IpcWaitSet *set, uint32_t seen, int64_t deadline)
{
    bool well = have_ring(set) && prepare_control(set, seen) &&
                prepare_turn(set) && prepare_members(set) &&
                prepare_cancels(set->ring);

    if (well) {
        pthread_mutex_unlock(&set->lock);
        well = wait_for_one(set->ring, deadline);
        pthread_mutex_lock(&set->lock);
        well = complete_all(set) && well;
    }
    if (!well && set->ring)
        drop_ring(set);
    return well;
}

bool many_ring_keeps(struct member *m)
{
    if (m->in_ring)
        waitset_enter_line(&m->set->ring->gone, m);
    return m->in_ring;
}

void many_ring_close(struct IpcWaitSet *set)
{
    if (!set->ring)
        return;
    drop_ring(set);
    free(set->ring);
    set->ring = NULL;
}

#else

bool many_ring_sleep(struct IpcWaitSet *set, uint32_t seen, int64_t deadline)
{
    (void)set;
    (void)seen;
    (void)deadline;
    return false;
}

bool many_ring_keeps(struct member *m)
{
    (void)m;
    return false;
}

void many_ring_close(struct IpcWaitSet *set)
{
    (void)set;
}

#endif
