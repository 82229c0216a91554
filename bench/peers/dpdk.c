/* SPDX-License-Identifier: MIT */
/*
 * DPDK's rte_ring, with the messages as its elements, in plain shared memory:
 * no huge pages and no EAL.
 */
#include <rte_config.h>

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "loops.h"
#include "transports.h"

static int open_ring(struct link *link, unsigned flags)
{
    const size_t size = link->load->size;
    unsigned slots = 4;

    if (size % 4 != 0)
        return -1;
    while (rte_ring_get_memsize_elem((unsigned)size, slots * 2) <=
           (ssize_t)link->load->memory)
        slots *= 2;
    link->state = link->memory;
    return rte_ring_init(link->state, link->name, slots, flags);
}

static int open_spsc(struct link *link)
{
    return open_ring(link, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static int open_mpmc(struct link *link)
{
    return open_ring(link, 0);
}

static int join_ring(struct link *link, enum side side, unsigned index)
{
    (void)link;
    (void)side;
    (void)index;
    return 0;
}

static inline int spsc_send(struct link *to, const void *data, size_t size)
{
    return rte_ring_sp_enqueue_elem(to->state, (void *)(uintptr_t)data,
                                    (unsigned)size) == 0;
}

static inline long spsc_receive(struct link *from, void *to, size_t room)
{
    return rte_ring_sc_dequeue_elem(from->state, to, (unsigned)room) == 0
               ? (long)room
               : 0;
}

static inline int spsc_send_batch(struct link *to, const void *data,
                                  size_t size, unsigned count)
{
    return (int)rte_ring_sp_enqueue_burst_elem(to->state, data, (unsigned)size,
                                               count, NULL);
}

static inline int spsc_receive_batch(struct link *from, void *to, size_t size,
                                     unsigned count)
{
    return (int)rte_ring_sc_dequeue_burst_elem(from->state, to, (unsigned)size,
                                               count, NULL);
}

static inline int mpmc_send(struct link *to, const void *data, size_t size)
{
    return rte_ring_mp_enqueue_elem(to->state, (void *)(uintptr_t)data,
                                    (unsigned)size) == 0;
}

static inline long mpmc_receive(struct link *from, void *to, size_t room)
{
    return rte_ring_mc_dequeue_elem(from->state, to, (unsigned)room) == 0
               ? (long)room
               : 0;
}

LOOPS(spsc, spsc_send, spsc_receive)
LOOPS_BATCH(spsc, spsc_send_batch, spsc_receive_batch, spsc_send)
static const struct loops spsc_loops = {LOOPS_BASE(spsc), LOOPS_BATCHED(spsc),
                                        LOOPS_NO_CALLS};

const struct transport transport_rte_spsc = {
    .name = "rte_ring sp/sc",
    .traits = TRAIT_FIXED_SLOT,
    .open = open_spsc,
    .join = join_ring,
    .loops = &spsc_loops,
};

LOOPS(mpmc, mpmc_send, mpmc_receive)
static const struct loops mpmc_loops = {LOOPS_BASE(mpmc), LOOPS_NO_CALLS,
                                        LOOPS_NO_CALLS};

const struct transport transport_rte_mpmc = {
    .name = "rte_ring mp/mc",
    .note = "spins behind a producer that is not running",
    .traits = TRAIT_FIXED_SLOT | TRAIT_MANY_PRODUCERS | TRAIT_MANY_CONSUMERS,
    .open = open_mpmc,
    .join = join_ring,
    .loops = &mpmc_loops,
};
