/* SPDX-License-Identifier: MIT */
/*
 * Concurrency Kit's ck_ring, with the messages in its slots.
 */
#include "loops.h"
#include "transports.h"
#include <ck_ring.h>
#include <stdlib.h>

/* A ring type for each size of message. */
#define RING_OF(N)                                                             \
    struct slot_##N {                                                          \
        unsigned char bytes[N];                                                \
    };                                                                         \
    CK_RING_PROTOTYPE(slot_##N, slot_##N)
RING_OF(8)
RING_OF(64)
RING_OF(256)
RING_OF(1024)
RING_OF(4096)
RING_OF(16384)
RING_OF(65536)
RING_OF(1048576)

struct ring {
    ck_ring_t ring; /* its parts are on lines of their own */
    char padding[64];
    unsigned char slots[];
};

static int ring_open(struct link *link)
{
    struct ring *r = link->memory;
    size_t room = link->load->memory - sizeof *r;
    unsigned slots = 4;

    switch (link->load->size) {
    case 8:
    case 64:
    case 256:
    case 1024:
    case 4096:
    case 16384:
    case 65536:
    case 1048576:
        break;
    default:
        return -1;
    }
    while (slots * 2 * link->load->size <= room)
        slots *= 2;
    ck_ring_init(&r->ring, slots);
    link->state = r;
    return 0;
}

static int ring_join(struct link *link, enum side side, unsigned index)
{
    (void)link;
    (void)side;
    (void)index;
    return 0;
}

#define SEND(N, KIND)                                                          \
    case N:                                                                    \
        return CK_RING_ENQUEUE_##KIND(slot_##N, &r->ring, (void *)r->slots,    \
                                      (struct slot_##N *)(uintptr_t)data)
#define RECEIVE(N, KIND)                                                       \
    case N:                                                                    \
        return CK_RING_DEQUEUE_##KIND(slot_##N, &r->ring, (void *)r->slots,    \
                                      (struct slot_##N *)to)                   \
                   ? N                                                         \
                   : 0
#define FOR_ALL(WHAT, KIND)                                                    \
    WHAT(8, KIND);                                                             \
    WHAT(64, KIND);                                                            \
    WHAT(256, KIND);                                                           \
    WHAT(1024, KIND);                                                          \
    WHAT(4096, KIND);                                                          \
    WHAT(16384, KIND);                                                         \
    WHAT(65536, KIND);                                                         \
    WHAT(1048576, KIND)

static inline int spsc_send(struct link *link, const void *data, size_t size)
{
    struct ring *r = link->state;

    switch (size) {
        FOR_ALL(SEND, SPSC);
    default:
        return -1;
    }
}

static inline long spsc_receive(struct link *link, void *to, size_t room)
{
    struct ring *r = link->state;

    switch (room) {
        FOR_ALL(RECEIVE, SPSC);
    default:
        return -1;
    }
}

static inline int mpmc_send(struct link *link, const void *data, size_t size)
{
    struct ring *r = link->state;

    switch (size) {
        FOR_ALL(SEND, MPMC);
    default:
        return -1;
    }
}

static inline long mpmc_receive(struct link *link, void *to, size_t room)
{
    struct ring *r = link->state;

    switch (room) {
        FOR_ALL(RECEIVE, MPMC);
    default:
        return -1;
    }
}

LOOPS(spsc, spsc_send, spsc_receive)
static const struct loops spsc_loops = {LOOPS_BASE(spsc), LOOPS_NO_CALLS,
                                        LOOPS_NO_CALLS};

const struct transport transport_ck_spsc = {
    .name = "ck_ring spsc",
    .traits = TRAIT_FIXED_SLOT,
    .max_size = 1048576,
    .open = ring_open,
    .join = ring_join,
    .loops = &spsc_loops,
};

LOOPS(mpmc, mpmc_send, mpmc_receive)
static const struct loops mpmc_loops = {LOOPS_BASE(mpmc), LOOPS_NO_CALLS,
                                        LOOPS_NO_CALLS};

const struct transport transport_ck_mpmc = {
    .name = "ck_ring mpmc",
    .note = "spins behind a producer that is not running",
    .traits = TRAIT_FIXED_SLOT | TRAIT_MANY_PRODUCERS | TRAIT_MANY_CONSUMERS,
    .max_size = 1048576,
    .open = ring_open,
    .join = ring_join,
    .loops = &mpmc_loops,
};
