/* SPDX-License-Identifier: MIT */
/*
 * The measuring loops, the same for every transport. A transport's file
 * includes this and says LOOPS(name, send, receive), with
 *
 *     int send(struct link *to, const void *data, size_t size)
 *         1: sent; 0: no room now; -1: failed. Never waits.
 *     long receive(struct link *from, void *to, size_t room)
 *         the message's size; 0: nothing there now; -1: failed. Never waits.
 *
 * and, if it has such calls, LOOPS_BATCH and LOOPS_IN_PLACE. C and C++.
 *
 * A message starts with a word `producer:16 | sequence:48`, and ends with the
 * same one if it has room for two. Receivers check size, both words and that
 * each producer's sequence numbers come in order, one by one if there is one
 * receiver.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include "clock.h"
#include "transport.h"
#include <sched.h>
#include <string.h>

#define LOOP static inline __attribute__((always_inline))

enum { LOOP_MAX_PRODUCERS = 64, LOOP_SENDS_PER_CLOCK = 64 };

#define LOOP_STOP (UINT64_C(0xffff) << 48) /* the word that ends a receiver */

typedef int loop_send(struct link *, const void *, size_t);
typedef long loop_receive(struct link *, void *, size_t);
/* The same for several messages of one size, one after the other in memory:
 * how many were sent or received, or -1. */
typedef int loop_send_batch(struct link *, const void *, size_t, unsigned);
typedef int loop_receive_batch(struct link *, void *, size_t, unsigned);
/* Without copies. reserve: memory for a message, or NULL: no room now. peek:
 * its size, 0 or -1 as for receive. commit and skip: 0, or -1. */
typedef void *loop_reserve(struct link *, size_t);
typedef int loop_commit(struct link *, size_t);
typedef long loop_peek(struct link *, const void **);
typedef int loop_skip(struct link *);

/* After a try in vain. */
LOOP void loop_pause(const struct load *load, unsigned *vain)
{
    if (load->yield_after && ++*vain % load->yield_after == 0)
        sched_yield();
    else
        clock_relax();
}

/* What a party does for a message beside passing it: nothing by default. */
LOOP void loop_work(unsigned rounds)
{
    uint64_t x = rounds;

    for (; rounds > 0; rounds--) {
        x *= UINT64_C(0x9e3779b97f4a7c15);
        __asm__ __volatile__("" : "+r"(x));
    }
}

LOOP void loop_mark(unsigned char *data, size_t size, uint64_t word)
{
    memcpy(data, &word, sizeof word);
    if (size >= 2 * sizeof word)
        memcpy(data + size - sizeof word, &word, sizeof word);
}

LOOP uint64_t loop_word(const unsigned char *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof word);
    return word;
}

LOOP bool loop_is_whole(const unsigned char *data, size_t size)
{
    return size < 16 || loop_word(data) == loop_word(data + size - 8);
}

/* ------------------------------------------------------------- ping-pong */

LOOP int loop_get_from(struct party *p, struct link *in, loop_receive *receive,
                       uint64_t word)
{
    unsigned vain = 0;
    long n;

    while ((n = receive(in, p->data, p->load->size)) == 0)
        if (p->load->yield_after)
            loop_pause(p->load, &vain);
    if (n < 0)
        return -1;
    p->tally->received++;
    if ((size_t)n != p->load->size || loop_word(p->data) != word ||
        !loop_is_whole(p->data, p->load->size))
        p->tally->wrong++;
    return 0;
}

LOOP int loop_get(struct party *p, loop_receive *receive, uint64_t word)
{
    int result = loop_get_from(p, p->in, receive, word);

    for (unsigned i = 1; i < p->in_count && result == 0; i++)
        result = loop_get_from(p, &p->in[i], receive, word);
    return result;
}

LOOP int loop_put(struct party *p, loop_send *send, uint64_t word)
{
    unsigned vain = 0;
    int n;

    loop_mark(p->data, p->load->size, word);
    while ((n = send(p->out, p->data, p->load->size)) == 0)
        loop_pause(p->load, &vain);
    p->tally->sent++;
    return n < 0 ? -1 : 0;
}

LOOP int loop_ask(struct party *p, loop_send *send, loop_receive *receive)
{
    uint64_t warm = p->load->warm_trips;

    for (uint64_t i = 0; i < warm + p->load->trips; i++) {
        uint64_t start = clock_ticks();

        if (loop_put(p, send, i) != 0 || loop_get(p, receive, i) != 0)
            return -1;
        if (i >= warm)
            p->trips[i - warm] = clock_ticks() - start;
    }
    return 0;
}

LOOP int loop_answer(struct party *p, loop_send *send, loop_receive *receive)
{
    for (uint64_t i = 0; i < p->load->warm_trips + p->load->trips; i++)
        if (loop_get(p, receive, i) != 0 || loop_put(p, send, i) != 0)
            return -1;
    return 0;
}

/* ---------------------------------------------------------------- alone */

/* Writes and reads in one thread: what a message costs without a second CPU. */
LOOP int loop_alone(struct party *p, loop_send *send, loop_receive *receive)
{
    uint64_t warm = p->load->warm_trips;
    uint64_t word = 0;

    for (uint64_t i = 0; i < warm + p->load->trips; i++) {
        uint64_t start = clock_ticks();

        for (int k = 0; k < LOOP_SENDS_PER_CLOCK; k++, word++)
            if (loop_put(p, send, word) != 0 || loop_get(p, receive, word) != 0)
                return -1;
        if (i >= warm)
            p->trips[i - warm] = clock_ticks() - start;
    }
    return 0;
}

/* Sends until there is no room, then receives all that. */
LOOP int loop_exhaust(struct party *p, loop_send *send, loop_receive *receive)
{
    int n = 1;

    while (n > 0 && p->tally->sent < p->load->trips) {
        loop_mark(p->data, p->load->size, p->tally->sent);
        n = send(p->out, p->data, p->load->size);
        p->tally->sent += n > 0;
    }
    while (n >= 0 && p->tally->received < p->tally->sent)
        if (loop_get(p, receive, p->tally->received) != 0)
            n = -1;
    return n < 0 ? -1 : 0;
}

/* ------------------------------------------------------------ throughput */

/* Sends one message, however long that takes. */
LOOP int loop_send_one(struct party *p, loop_send *send)
{
    unsigned vain = 0;
    int n;

    while ((n = send(p->out, p->data, p->load->size)) == 0)
        loop_pause(p->load, &vain);
    return n < 0 ? -1 : 0;
}

/* Whether all that is sent comes to each consumer. */
LOOP bool loop_is_complete(const struct load *load)
{
    return load->consumers == 1 || load->broadcast;
}

/*
 * Says to an only consumer, or to all at once, that this producer is done,
 * whose messages may go a way of their own. Several consumers have one queue:
 * there the last producer to finish says so to each.
 */
LOOP int loop_stop_consumers(struct party *p, loop_send *send)
{
    uint64_t left = __atomic_sub_fetch(p->producers_left, 1, __ATOMIC_ACQ_REL);

    bool once = loop_is_complete(p->load);

    if (!once && left > 0)
        return 0;
    loop_mark(p->data, p->load->size, LOOP_STOP);
    for (unsigned i = 0; i < (once ? 1 : p->load->consumers); i++)
        if (loop_send_one(p, send) != 0)
            return -1;
    return 0;
}

LOOP int loop_produce(struct party *p, uint64_t until, loop_send *send)
{
    const struct load *load = p->load;
    uint64_t word = (uint64_t)p->index << 48;

    do {
        for (int i = 0; i < LOOP_SENDS_PER_CLOCK; i++) {
            loop_mark(p->data, load->size, word);
            if (loop_send_one(p, send) != 0)
                return -1;
            word++;
            loop_work(load->produce_work);
        }
    } while (clock_ticks() < until);
    p->tally->sent = word & ~LOOP_STOP;
    return loop_stop_consumers(p, send);
}

/* A receiver's notes: the sequence number that each producer is at. */
struct loop_notes {
    uint64_t received;
    uint64_t stops; /* producers that said that they are done */
    uint64_t next[LOOP_MAX_PRODUCERS];
};

/* True: it was the last message for this consumer. */
LOOP bool loop_check(struct party *p, struct loop_notes *notes, uint64_t word,
                     bool whole)
{
    uint64_t producer = word >> 48;
    uint64_t sequence = word & ~LOOP_STOP;

    if (word == LOOP_STOP)
        return ++notes->stops == p->load->producers ||
               !loop_is_complete(p->load);
    notes->received++;
    if (!whole || producer >= p->load->producers ||
        sequence < notes->next[producer]) {
        p->tally->wrong++;
        return false;
    }
    if (loop_is_complete(p->load))
        p->tally->skipped += sequence - notes->next[producer];
    notes->next[producer] = sequence + 1;
    return false;
}

LOOP int loop_consume(struct party *p, loop_receive *receive)
{
    const struct load *load = p->load;
    struct loop_notes notes = {0, 0, {0}};
    unsigned vain = 0;

    for (;;) {
        long n = receive(p->in, p->data, load->size);

        if (n == 0) {
            loop_pause(load, &vain);
            continue;
        }
        if (n < 0)
            return -1;
        if (loop_check(p, &notes, loop_word(p->data),
                       (size_t)n == load->size &&
                           loop_is_whole(p->data, load->size)))
            break;
        loop_work(load->consume_work);
    }
    p->tally->received = notes.received;
    return 0;
}

/* ------------------------------------------------------- several at once */

LOOP int loop_produce_batch(struct party *p, uint64_t until,
                            loop_send_batch *send, loop_send *send_last)
{
    const struct load *load = p->load;
    uint64_t word = (uint64_t)p->index << 48;
    unsigned vain = 0;

    do {
        for (unsigned i = 0; i < load->batch; i++)
            loop_mark(p->data + i * load->size, load->size, word++);
        for (unsigned done = 0; done < load->batch;) {
            int n = send(p->out, p->data + done * load->size, load->size,
                         load->batch - done);

            if (n < 0)
                return -1;
            if (n == 0)
                loop_pause(load, &vain);
            done += (unsigned)n;
        }
    } while (clock_ticks() < until);
    p->tally->sent = word & ~LOOP_STOP;
    return loop_stop_consumers(p, send_last);
}

LOOP int loop_consume_batch(struct party *p, loop_receive_batch *receive)
{
    const struct load *load = p->load;
    struct loop_notes notes = {0, 0, {0}};
    unsigned vain = 0;
    bool stop = false;

    while (!stop) {
        int n = receive(p->in, p->data, load->size, load->batch);

        if (n < 0)
            return -1;
        if (n == 0)
            loop_pause(load, &vain);
        for (int i = 0; i < n; i++) {
            const unsigned char *data = p->data + (size_t)i * load->size;

            stop |= loop_check(p, &notes, loop_word(data),
                               loop_is_whole(data, load->size));
        }
    }
    p->tally->received = notes.received;
    return 0;
}

/* -------------------------------------------------------- without copies */

/* Every byte is written there and read there. */
LOOP void loop_fill(unsigned char *data, size_t size, uint64_t word)
{
    memset(data, (int)(word & 0xff), size);
    loop_mark(data, size, word);
}

LOOP bool loop_is_filled(const unsigned char *data, size_t size)
{
    const uint64_t pattern =
        (loop_word(data) & 0xff) * UINT64_C(0x0101010101010101);
    uint64_t other = 0;

    for (size_t i = 8; i + 16 <= size; i += 8)
        other |= loop_word(data + i) ^ pattern;
    return other == 0 && loop_is_whole(data, size);
}

LOOP int loop_put_in_place(struct party *p, uint64_t word,
                           loop_reserve *reserve, loop_commit *commit)
{
    unsigned vain = 0;
    void *data;

    while (!(data = reserve(p->out, p->load->size)))
        loop_pause(p->load, &vain);
    loop_fill((unsigned char *)data, p->load->size, word);
    return commit(p->out, p->load->size);
}

LOOP int loop_produce_in_place(struct party *p, uint64_t until,
                               loop_reserve *reserve, loop_commit *commit,
                               loop_send *send_last)
{
    uint64_t word = (uint64_t)p->index << 48;

    do {
        for (int i = 0; i < LOOP_SENDS_PER_CLOCK; i++)
            if (loop_put_in_place(p, word++, reserve, commit) != 0)
                return -1;
    } while (clock_ticks() < until);
    p->tally->sent = word & ~LOOP_STOP;
    return loop_stop_consumers(p, send_last);
}

LOOP int loop_consume_in_place(struct party *p, loop_peek *peek,
                               loop_skip *skip)
{
    const struct load *load = p->load;
    struct loop_notes notes = {0, 0, {0}};
    unsigned vain = 0;
    bool stop = false;

    while (!stop) {
        const void *data;
        long n = peek(p->in, &data);

        if (n < 0)
            return -1;
        if (n == 0) {
            loop_pause(load, &vain);
            continue;
        }
        stop = loop_check(
            p, &notes, loop_word((const unsigned char *)data),
            (size_t)n == load->size &&
                loop_is_filled((const unsigned char *)data, load->size));
        if (skip(p->in) != 0)
            return -1;
    }
    p->tally->received = notes.received;
    return 0;
}

/* The same for those who copy: each message is made anew in memory of the
 * producer's, and all of it is read in memory of the consumer's. */
LOOP int loop_produce_copied(struct party *p, uint64_t until, loop_send *send)
{
    uint64_t word = (uint64_t)p->index << 48;

    do {
        for (int i = 0; i < LOOP_SENDS_PER_CLOCK; i++) {
            loop_fill(p->data, p->load->size, word++);
            if (loop_send_one(p, send) != 0)
                return -1;
        }
    } while (clock_ticks() < until);
    p->tally->sent = word & ~LOOP_STOP;
    return loop_stop_consumers(p, send);
}

LOOP int loop_consume_copied(struct party *p, loop_receive *receive)
{
    const struct load *load = p->load;
    struct loop_notes notes = {0, 0, {0}};
    unsigned vain = 0;
    long n;

    do {
        while ((n = receive(p->in, p->data, load->size)) == 0)
            loop_pause(load, &vain);
        if (n < 0)
            return -1;
    } while (!loop_check(p, &notes, loop_word(p->data),
                         (size_t)n == load->size &&
                             loop_is_filled(p->data, load->size)));
    p->tally->received = notes.received;
    return 0;
}

/* ------------------------------------------------ to be said by transports */

LOOP uint64_t loop_until(const struct party *p)
{
    return clock_ticks() + p->send_ticks;
}

#define LOOPS(NAME, SEND, RECEIVE)                                             \
    static int NAME##_ask(struct party *p)                                     \
    {                                                                          \
        return loop_ask(p, SEND, RECEIVE);                                     \
    }                                                                          \
    static int NAME##_answer(struct party *p)                                  \
    {                                                                          \
        return loop_answer(p, SEND, RECEIVE);                                  \
    }                                                                          \
    static int NAME##_produce(struct party *p)                                 \
    {                                                                          \
        return loop_produce(p, loop_until(p), SEND);                           \
    }                                                                          \
    static int NAME##_consume(struct party *p)                                 \
    {                                                                          \
        return loop_consume(p, RECEIVE);                                       \
    }                                                                          \
    static int NAME##_alone(struct party *p)                                   \
    {                                                                          \
        return loop_alone(p, SEND, RECEIVE);                                   \
    }                                                                          \
    static int NAME##_exhaust(struct party *p)                                 \
    {                                                                          \
        return loop_exhaust(p, SEND, RECEIVE);                                 \
    }

#define LOOPS_BATCH(NAME, SEND_BATCH, RECEIVE_BATCH, SEND)                     \
    static int NAME##_produce_batch(struct party *p)                           \
    {                                                                          \
        return loop_produce_batch(p, loop_until(p), SEND_BATCH, SEND);         \
    }                                                                          \
    static int NAME##_consume_batch(struct party *p)                           \
    {                                                                          \
        return loop_consume_batch(p, RECEIVE_BATCH);                           \
    }

#define LOOPS_IN_PLACE(NAME, RESERVE, COMMIT, PEEK, SKIP, SEND)                \
    static int NAME##_produce_in_place(struct party *p)                        \
    {                                                                          \
        return loop_produce_in_place(p, loop_until(p), RESERVE, COMMIT, SEND); \
    }                                                                          \
    static int NAME##_consume_in_place(struct party *p)                        \
    {                                                                          \
        return loop_consume_in_place(p, PEEK, SKIP);                           \
    }

/* For a transport that stands for copying beside those in place. */
#define LOOPS_COPIED(NAME, SEND, RECEIVE)                                      \
    static int NAME##_produce_in_place(struct party *p)                        \
    {                                                                          \
        return loop_produce_copied(p, loop_until(p), SEND);                    \
    }                                                                          \
    static int NAME##_consume_in_place(struct party *p)                        \
    {                                                                          \
        return loop_consume_copied(p, RECEIVE);                                \
    }

/* The members of a `struct loops`, in its order. */
#define LOOPS_BASE(NAME)                                                       \
    NAME##_ask, NAME##_answer, NAME##_produce, NAME##_consume, NAME##_alone,   \
        NAME##_exhaust
#define LOOPS_NO_CALLS      NULL, NULL
#define LOOPS_BATCHED(NAME) NAME##_produce_batch, NAME##_consume_batch
#define LOOPS_PLACED(NAME)  NAME##_produce_in_place, NAME##_consume_in_place

#endif
