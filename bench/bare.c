/* SPDX-License-Identifier: MIT */
#include "bare.h"
#include "loops.h"
#include <stdlib.h>

/* -------------------------------------------------------------- one line */

/* Both directions use the first link's memory. The turn stands in the line's
 * first word; a message is that word alone, whatever its size. */
static unsigned char *shared_line;

static int line_open(struct link *link)
{
    if (link->number == 0)
        shared_line = link->memory;
    return 0;
}

static int line_join(struct link *link, enum side side, unsigned index)
{
    (void)link;
    (void)side;
    (void)index;
    return 0;
}

/* Way 0 stores odd numbers, way 1 even ones. */
static inline int line_send(struct link *to, const void *data, size_t size)
{
    uint64_t word;

    (void)size;
    memcpy(&word, data, sizeof word);
    __atomic_store_n((uint64_t *)(void *)shared_line, word * 2 + 1 + to->number,
                     __ATOMIC_RELEASE);
    return 1;
}

static inline long line_receive(struct link *from, void *to, size_t room)
{
    uint64_t *expected = to; /* holds the last message's word */
    uint64_t word =
        __atomic_load_n((uint64_t *)(void *)shared_line, __ATOMIC_ACQUIRE);

    if (word == 0 || word % 2 == from->number)
        return 0;
    word = (word - 1 - from->number) / 2;
    memcpy(expected, &word, sizeof word);
    if (room >= 16)
        memcpy((unsigned char *)to + room - 8, &word, sizeof word);
    return (long)room;
}

LOOPS(line, line_send, line_receive)
static const struct loops line_loops = {LOOPS_BASE(line), LOOPS_NO_CALLS,
                                        LOOPS_NO_CALLS};

const struct transport limit_line = {
    .name = "limit: one cache line",
    .traits = TRAIT_LIMIT,
    .open = line_open,
    .join = line_join,
    .loops = &line_loops,
};

/* ------------------------------------------------------------ bare memcpy */

/* The least that hands slots over: a count each side, on lines of their own,
 * and what either side last saw of the other. */
struct copy_shared {
    uint64_t written;
    char pad1[120];
    uint64_t read;
    char pad2[120];
    unsigned char slots[];
};

struct copy {
    struct copy_shared *shared;
    uint64_t mine; /* the count of this side */
    uint64_t seen; /* of the other */
    uint64_t slots;
    size_t stride;
    uint64_t index;
    uint64_t chunk; /* the other side hears of so many at a time */
    uint64_t untold;
};

static int copy_open(struct link *link, uint64_t most, uint64_t chunks)
{
    struct copy *c = calloc(1, sizeof *c);

    if (!c)
        return -1;
    c->shared = link->memory;
    c->stride = (link->load->size + 63) / 64 * 64;
    if (link->load->size < 64)
        c->stride = link->load->size;
    c->slots = (link->load->memory - sizeof *c->shared) / c->stride;
    if (c->slots > most)
        c->slots = most;
    c->chunk = chunks && c->slots >= chunks ? c->slots / chunks : 1;
    c->slots -= c->slots % c->chunk;
    link->state = c;
    return c->slots ? 0 : -1;
}

static int copy_open_few(struct link *link)
{
    return copy_open(link, 2, 0);
}

static int copy_open_some(struct link *link)
{
    return copy_open(link, 8, 0);
}

static int copy_open_all(struct link *link)
{
    return copy_open(link, UINT64_MAX, 0);
}

static int copy_open_chunks(struct link *link)
{
    return copy_open(link, 1024, 8);
}

static int copy_join(struct link *link, enum side side, unsigned index)
{
    (void)link;
    (void)side;
    (void)index;
    return 0;
}

static inline unsigned char *copy_slot(struct copy *c)
{
    unsigned char *slot = c->shared->slots + c->index * c->stride;

    c->index = c->index + 1 == c->slots ? 0 : c->index + 1;
    return slot;
}

/* Full or empty, all of it has been told: slots are a whole number of
 * chunks. */
static inline void copy_tell(struct copy *c, uint64_t *count, bool now)
{
    c->mine++;
    if (++c->untold == c->chunk || now) {
        c->untold = 0;
        __atomic_store_n(count, c->mine, __ATOMIC_RELEASE);
    }
}

static inline int copy_send(struct link *to, const void *data, size_t size)
{
    struct copy *c = to->state;

    if (c->mine - c->seen == c->slots) {
        c->seen = __atomic_load_n(&c->shared->read, __ATOMIC_ACQUIRE);
        if (c->mine - c->seen == c->slots)
            return 0;
    }
    memcpy(copy_slot(c), data, size);
    copy_tell(c, &c->shared->written, loop_word(data) == LOOP_STOP);
    return 1;
}

static inline long copy_receive(struct link *from, void *to, size_t room)
{
    struct copy *c = from->state;

    if (c->mine == c->seen) {
        c->seen = __atomic_load_n(&c->shared->written, __ATOMIC_ACQUIRE);
        if (c->mine == c->seen)
            return 0;
    }
    memcpy(to, copy_slot(c), room);
    copy_tell(c, &c->shared->read, false);
    return (long)room;
}

LOOPS(copy, copy_send, copy_receive)
static const struct loops copy_loops = {LOOPS_BASE(copy), LOOPS_NO_CALLS,
                                        LOOPS_NO_CALLS};

const struct transport limit_copy_few = {
    .name = "limit: memcpy, 2 slots",
    .traits = TRAIT_LIMIT | TRAIT_FIXED_SLOT,
    .open = copy_open_few,
    .join = copy_join,
    .loops = &copy_loops,
};

const struct transport limit_copy_some = {
    .name = "limit: memcpy, 8 slots",
    .traits = TRAIT_LIMIT | TRAIT_FIXED_SLOT,
    .open = copy_open_some,
    .join = copy_join,
    .loops = &copy_loops,
};

const struct transport limit_copy_all = {
    .name = "limit: memcpy, all slots",
    .traits = TRAIT_LIMIT | TRAIT_FIXED_SLOT,
    .open = copy_open_all,
    .join = copy_join,
    .loops = &copy_loops,
};

const struct transport limit_copy_chunks = {
    .name = "limit: memcpy, in chunks",
    .note = "1024 slots, of which eighths are handed over",
    .traits = TRAIT_LIMIT | TRAIT_FIXED_SLOT,
    .open = copy_open_chunks,
    .join = copy_join,
    .loops = &copy_loops,
};

/* ----------------------------------------------------------- two memcpys */

static int twice_open(struct link *link)
{
    return link->load->memory < link->load->size ? -1 : 0;
}

static inline int twice_send(struct link *to, const void *data, size_t size)
{
    memcpy(to->memory, data, size);
    __asm__ __volatile__("" : : : "memory");
    return 1;
}

static inline long twice_receive(struct link *from, void *to, size_t room)
{
    memcpy(to, from->memory, room);
    return (long)room;
}

LOOPS(twice, twice_send, twice_receive)
static const struct loops twice_loops = {LOOPS_BASE(twice), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

const struct transport limit_copy_twice = {
    .name = "limit: memcpy twice",
    .traits = TRAIT_LIMIT,
    .open = twice_open,
    .join = copy_join,
    .loops = &twice_loops,
};

/* --------------------------------------------------------------- nothing */

/* Only the end is said: by the last message, in the link's memory. A sender
 * that works goes on without anybody; a receiver that works makes up what it
 * receives. */
static int nothing_open(struct link *link)
{
    link->state = calloc(1, sizeof(uint64_t)); /* the receiver's number */
    return link->state ? 0 : -1;
}

static inline int nothing_send(struct link *to, const void *data, size_t size)
{
    (void)size;
    if (loop_word(data) == LOOP_STOP)
        __atomic_store_n((uint64_t *)to->memory, LOOP_STOP, __ATOMIC_RELEASE);
    return 1;
}

static inline long nothing_receive(struct link *from, void *to, size_t room)
{
    uint64_t *number = from->state;
    uint64_t word = __atomic_load_n((uint64_t *)from->memory, __ATOMIC_ACQUIRE);

    if (word == 0 && from->load->consume_work == 0)
        return 0;
    loop_mark(to, room, word ? word : (*number)++);
    return (long)room;
}

LOOPS(nothing, nothing_send, nothing_receive)
static const struct loops nothing_loops = {LOOPS_BASE(nothing), LOOPS_NO_CALLS,
                                           LOOPS_NO_CALLS};

const struct transport limit_nothing = {
    .name = "limit: nothing",
    .traits = TRAIT_LIMIT,
    .open = nothing_open,
    .join = copy_join,
    .loops = &nothing_loops,
};
