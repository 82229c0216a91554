/* SPDX-License-Identifier: MIT */
#include "wait/feeder.h"
#include "cancel.h"
#include "shmipc_config.h"
#include "wait/clock.h"
#include "wait/counter.h"
#include "wait/thread.h"
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef SHMIPC_HAVE_EVENTFD
#include <sys/eventfd.h>

static int make_fd(void)
{
    return eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
}
#else
static int make_fd(void)
{
    errno = ENOSYS;
    return -1;
}
#endif

enum { ROUSE_AGAIN_NS = 200 * 1000 };

enum state { PARKED, DOZES, OVER };

struct feeder {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* `state` is */
    enum state state;
    struct feeder_task task;
    int fd;
};

static bool wait_to_go(struct feeder *f)
{
    enum state state;

    pthread_mutex_lock(&f->lock);
    while (f->state == PARKED)
        pthread_cond_wait(&f->changed, &f->lock);
    state = f->state;
    pthread_mutex_unlock(&f->lock);
    return state == DOZES;
}

/* Parked before it signals: who is woken by the signal and finds nothing sends
 * it off again. */
static void park(struct feeder *f)
{
    pthread_mutex_lock(&f->lock);
    if (f->state == DOZES)
        f->state = PARKED;
    pthread_mutex_unlock(&f->lock);
    feeder_signal(f);
}

static void *feed(void *of)
{
    struct feeder *f = of;

    while (wait_to_go(f)) {
        f->task.doze(f->task.of);
        park(f);
    }
    return NULL;
}

struct feeder *feeder_make(struct feeder_task task)
{
    struct feeder *f = calloc(1, sizeof *f);
    int error;

    if (!f)
        return NULL;
    f->task = task;
    f->state = PARKED;
    f->fd = make_fd();
    if (f->fd < 0) {
        free(f);
        return NULL;
    }
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    error = thread_start(&f->thread, feed, f);
    if (error == 0)
        return f;
    feeder_forget(f);
    errno = error;
    return NULL;
}

static void change(struct feeder *f, enum state from, enum state to)
{
    pthread_mutex_lock(&f->lock);
    if (f->state == from || to == OVER) {
        f->state = to;
        pthread_cond_signal(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
}

void feeder_go(struct feeder *f)
{
    change(f, PARKED, DOZES);
}

/* The thread may be on its way to a sleep that it has looked for already:
 * roused again and again, it ends that too. */
void feeder_end(struct feeder *f)
{
    int cancelling = cancel_disable();

    change(f, PARKED, OVER);
    f->task.rouse(f->task.of);
    while (pthread_tryjoin_np(f->thread, NULL) == EBUSY) {
        clock_sleep_until(clock_after(ROUSE_AGAIN_NS));
        f->task.rouse(f->task.of);
    }
    cancel_restore(cancelling);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    feeder_forget(f);
}

void feeder_forget(struct feeder *f)
{
    close(f->fd);
    free(f);
}

int feeder_fd(const struct feeder *f)
{
    return f->fd;
}

void feeder_clear(const struct feeder *f)
{
    counter_clear(f->fd);
}

void feeder_signal(const struct feeder *f)
{
    counter_raise(f->fd);
}
