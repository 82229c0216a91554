/* SPDX-License-Identifier: MIT */
/*
 * The transports of the harness's own test, in place of transports.c: ours, and
 * one that loses messages, which the harness has to notice.
 */
#include "loops.h"
#include "transports.h"

enum { LOSES_EVERY = 10 };

/* Has room for one message. */
struct mailbox {
    uint64_t full;
    unsigned char data[];
};

static unsigned sends;

static int open_mailbox(struct link *link)
{
    return link->load->memory < sizeof(struct mailbox) + link->load->size ? -1
                                                                          : 0;
}

static int join_mailbox(struct link *link, enum side side, unsigned index)
{
    (void)link;
    (void)side;
    (void)index;
    return 0;
}

static int lose_some(struct link *to, const void *data, size_t size)
{
    struct mailbox *box = to->memory;

    if (__atomic_load_n(&box->full, __ATOMIC_ACQUIRE))
        return 0;
    if (++sends % LOSES_EVERY == 0 && loop_word(data) != LOOP_STOP)
        return 1;
    memcpy(box->data, data, size);
    __atomic_store_n(&box->full, 1, __ATOMIC_RELEASE);
    return 1;
}

static long receive(struct link *from, void *to, size_t room)
{
    struct mailbox *box = from->memory;

    if (!__atomic_load_n(&box->full, __ATOMIC_ACQUIRE))
        return 0;
    memcpy(to, box->data, room);
    __atomic_store_n(&box->full, 0, __ATOMIC_RELEASE);
    return (long)room;
}

LOOPS(lossy, lose_some, receive)
static const struct loops lossy_loops = {LOOPS_BASE(lossy), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

static const struct transport transport_lossy = {
    .name = "lossy",
    .traits = TRAIT_OURS, /* so that it counts */
    .open = open_mailbox,
    .join = join_mailbox,
    .loops = &lossy_loops,
};

const struct transport *const transports[] = {
    &transport_one_one,         &transport_many_many,
    &transport_one_one_channel, &transport_many_many_channel,
    &transport_lossy,           NULL,
};

const char *const transports_missing[] = {NULL};
