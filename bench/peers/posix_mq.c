/* SPDX-License-Identifier: MIT */
/*
 * POSIX message queues, as deep as the system lets them be.
 */
#include "loops.h"
#include "transports.h"
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static void queue_name(const struct link *link, char *name, size_t size)
{
    snprintf(name, size, "/%s", link->name);
}

/* Half of the depth each time, until it is allowed. */
static int queue_open(struct link *link)
{
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    long depth = (long)(link->load->memory / link->load->size);
    char name[64];

    setrlimit(RLIMIT_MSGQUEUE, &all);
    queue_name(link, name, sizeof name);
    for (; depth > 0; depth /= 2) {
        struct mq_attr attributes = {.mq_maxmsg = depth,
                                     .mq_msgsize = (long)link->load->size};
        mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK,
                              0600, &attributes);
        mqd_t *kept = malloc(sizeof *kept);

        if (queue != (mqd_t)-1 && kept) {
            *kept = queue;
            link->state = kept;
            return 0;
        }
        free(kept);
    }
    return -1;
}

static int queue_join(struct link *link, enum side side, unsigned index)
{
    (void)link;
    (void)side;
    (void)index;
    return 0;
}

static void queue_close(struct link *link)
{
    char name[64];

    queue_name(link, name, sizeof name);
    mq_unlink(name);
}

static inline int queue_send(struct link *to, const void *data, size_t size)
{
    const mqd_t *queue = to->state;

    if (mq_send(*queue, data, size, 0) == 0)
        return 1;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static inline long queue_receive(struct link *from, void *to, size_t room)
{
    const mqd_t *queue = from->state;
    ssize_t n = mq_receive(*queue, to, room, NULL);

    if (n >= 0)
        return (long)n;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

LOOPS(queue, queue_send, queue_receive)
static const struct loops queue_loops = {LOOPS_BASE(queue), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

const struct transport transport_posix_mq = {
    .name = "posix mq",
    .traits = TRAIT_KERNEL | TRAIT_FIXED_SLOT | TRAIT_MANY_PRODUCERS |
              TRAIT_MANY_CONSUMERS,
    .open = queue_open,
    .join = queue_join,
    .close = queue_close,
    .loops = &queue_loops,
};
