/* SPDX-License-Identifier: MIT */
#include "bridge/stored.h"
#include "bridge/ticks.h"
#include <endian.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PENDING_MAX = 64,   /* messages that Redis has not answered yet */
    STORED_MAX = 20000, /* messages in Redis: then nothing more is sent */
    QUERY_NS = 20000000,
};

struct stored_near {
    struct transport base;
    struct stored stored;
    /* Of messages that were sent and not answered: what their answer is to say;
     * `after` is WIRE_NONE if it says nothing. */
    struct wire_head pending[PENDING_MAX];
    unsigned first, count;
    struct wire_head told[2]; /* what is to be received, as it travels */
    unsigned told_count;
    struct wire_head handed; /* the one that was received last */
    uint64_t safe; /* the last entry that is stored, of this session */
    long long length;
    uint64_t asked_at; /* for the length */
    bool has_broken;
};

static struct stored_near *near_of(struct transport *t)
{
    return (struct stored_near *)t;
}

static void break_off(struct stored_near *n)
{
    stored_disconnect(&n->stored);
    n->count = 0;
    n->has_broken = true;
}

static void tell(struct stored_near *n, enum wire_kind kind,
                 const struct wire_head *about, uint64_t after)
{
    struct wire_head head =
        wire_make(kind, about->stream, about->session, after);

    if (n->told_count == sizeof n->told / sizeof n->told[0])
        return; /* the next one says more */
    head.number = about->number;
    head.value = kind == WIRE_WELCOME ? WIRE_ENTRY_MAX : 0;
    wire_swap_head(&head);
    n->told[n->told_count++] = head;
}

/* -------------------------------------------------------------------- send */

/* How far a stream is stored. What it finds is no offset only if others write
 * into the hash. If it is less than what was stored once, and let go of here,
 * Redis has lost the rest: we go on behind that, so that the far side, which
 * sees what goes before the next entry, finds the gap. */
static bool say_hello(struct stored_near *n, const struct wire_head *head)
{
    redisReply *r;
    char stream[24];
    uint64_t after = WIRE_NONE;

    if (n->count > 0) /* answers that nobody waits for any more */
        break_off(n);
    n->has_broken = false;
    if (!stored_connect(&n->stored))
        return false;
    snprintf(stream, sizeof stream, "%" PRIu64, head->stream);
    r = redisCommand(n->stored.redis, "HGET %s %s", n->stored.last_key, stream);
    if (!r) {
        break_off(n);
        return false;
    }
    if (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_NIL) {
        stored_complain(&n->stored, r);
        freeReplyObject(r);
        break_off(n);
        return false;
    }
    if (r->type == REDIS_REPLY_STRING)
        after = strtoull(r->str, NULL, 10) & ~UINT64_C(7);
    freeReplyObject(r);
    if (head->after != WIRE_NONE &&
        (after == WIRE_NONE || after < head->after)) {
        log_rarely(&n->stored.limit, n->stored.key,
                   "Redis has lost what it had up to entry %" PRIu64,
                   head->after);
        after = head->after;
    }
    n->safe = after;
    n->told_count = 0;
    tell(n, WIRE_WELCOME, head, after);
    return true;
}

/* The entry that is stored with this message, or WIRE_NONE: not all of it. */
static uint64_t last_entry(const struct wire_message *m)
{
    struct wire_entry e = wire_entry(m, m->head.count - 1);

    if (m->head.kind == WIRE_PART && m->head.value + m->payload_size < e.size)
        return WIRE_NONE;
    return e.offset;
}

/* The message, and then what is known to be stored: not where the message was
 * refused. (A transaction would go on behind a command that fails.) Says how
 * many messages there are. */
static const char STORE[] =
    "redis.call('XADD', KEYS[1], '*', 'h', ARGV[1], 'p', ARGV[2]) "
    "if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], ARGV[3], ARGV[4]) end "
    "return redis.call('XLEN', KEYS[1])";

static void append(struct stored_near *n, const struct wire_message *m,
                   const void *first, size_t first_size, uint64_t last)
{
    char stream[24], offset[24] = "";

    snprintf(stream, sizeof stream, "%" PRIu64, m->head.stream);
    if (last != WIRE_NONE)
        snprintf(offset, sizeof offset, "%" PRIu64, last);
    redisAppendCommand(n->stored.redis, "EVAL %s 2 %s %s %b %b %s %s", STORE,
                       n->stored.key, n->stored.last_key, first, first_size,
                       m->payload, m->payload_size, stream, offset);
}

static bool flush(struct stored_near *n)
{
    int is_done = 0;

    while (!is_done)
        if (redisBufferWrite(n->stored.redis, &is_done) != REDIS_OK) {
            break_off(n);
            return false;
        }
    return true;
}

/* So that who never reads does not fill Redis: the near channel fills. */
static bool has_room(struct stored_near *n)
{
    redisReply *r;

    if (n->count == PENDING_MAX)
        return false;
    if (n->length < STORED_MAX)
        return true;
    if (n->count > 0 || ticks_now() - n->asked_at < QUERY_NS)
        return false;
    n->asked_at = ticks_now();
    r = redisCommand(n->stored.redis, "XLEN %s", n->stored.key);
    if (!r) {
        break_off(n);
        return false;
    }
    n->length = r->type == REDIS_REPLY_INTEGER ? r->integer : 0;
    freeReplyObject(r);
    return n->length < STORED_MAX;
}

static enum transport_result store(struct stored_near *n,
                                   const struct wire_message *m,
                                   const void *first, size_t first_size)
{
    uint64_t last = last_entry(m);
    struct wire_head *head;

    if (!n->stored.redis)
        return TRANSPORT_DONE; /* lost; and receive() says so */
    if (!has_room(n))
        return TRANSPORT_LATER;
    append(n, m, first, first_size, last);
    if (!flush(n))
        return TRANSPORT_DONE;
    head = &n->pending[(n->first + n->count++) % PENDING_MAX];
    *head = m->head;
    head->after = last;
    return TRANSPORT_DONE;
}

static enum transport_result
send_message(struct transport *t, const struct transport_peer *to,
             const void *first, size_t first_size,
             const struct transport_payload *payload, int timeout_ms)
{
    const struct timespec turn = ticks_span((uint64_t)timeout_ms * TICKS_MS);
    struct stored_near *n = near_of(t);
    const bool has_payload = payload && payload->data;
    enum transport_result r = TRANSPORT_DONE;
    struct wire_message m;

    (void)to;
    if (wire_read(first, first_size, has_payload ? payload->data : NULL,
                  has_payload ? payload->size : 0, &m))
        return TRANSPORT_FAILED; /* it is our own: it is good */
    if (m.head.kind == WIRE_HELLO)
        (void)say_hello(n, &m.head);
    else if (m.head.kind == WIRE_PING && n->count == 0 && n->stored.redis)
        tell(n, WIRE_PONG, &m.head, n->safe);
    else if (has_payload)
        r = store(n, &m, first, first_size);
    if (r == TRANSPORT_DONE && has_payload)
        payload->release(payload->data, payload->hint);
    if (r == TRANSPORT_LATER && timeout_ms > 0)
        nanosleep(&turn, NULL);
    return r;
}

/* ----------------------------------------------------------------- receive */

static void heed(struct stored_near *n, const redisReply *r)
{
    const struct wire_head *head = &n->pending[n->first];

    if (r->type != REDIS_REPLY_INTEGER) {
        /* It is full, or read-only, or the key is something else. */
        stored_complain(&n->stored, r);
        break_off(n);
        return;
    }
    n->length = r->integer;
    if (head->after != WIRE_NONE)
        n->safe = head->after;
    if (head->after != WIRE_NONE && n->told_count == 0)
        tell(n, WIRE_ACK, head, n->safe);
    else if (head->after != WIRE_NONE)
        n->told[n->told_count - 1].after = htole64(n->safe);
    n->first = (n->first + 1) % PENDING_MAX;
    n->count--;
}

/* What Redis has said by now. */
static void hear(struct stored_near *n, int timeout_ms)
{
    struct pollfd item = {n->stored.redis->fd, POLLIN, 0};
    void *reply;

    if (n->count == 0 || poll(&item, 1, timeout_ms) <= 0)
        return;
    if (redisBufferRead(n->stored.redis) != REDIS_OK) {
        break_off(n);
        return;
    }
    while (n->stored.redis) {
        reply = NULL;
        if (redisGetReplyFromReader(n->stored.redis, &reply) != REDIS_OK) {
            break_off(n);
            return;
        }
        if (!reply || n->count == 0) {
            if (reply)
                freeReplyObject(reply);
            return;
        }
        heed(n, reply);
        freeReplyObject(reply);
    }
}

static enum transport_result
receive(struct transport *t, struct transport_packet *packet, int timeout_ms)
{
    const struct timespec turn = ticks_span((uint64_t)timeout_ms * TICKS_MS);
    struct stored_near *n = near_of(t);

    if (n->has_broken) {
        n->has_broken = false;
        return TRANSPORT_BROKEN;
    }
    if (n->told_count == 0 && n->stored.redis)
        hear(n, timeout_ms);
    if (n->told_count == 0) {
        if (timeout_ms > 0 && n->count == 0)
            nanosleep(&turn, NULL);
        return TRANSPORT_LATER;
    }
    n->handed = n->told[0];
    memmove(n->told, n->told + 1, sizeof n->told - sizeof n->told[0]);
    n->told_count--;
    *packet = (struct transport_packet){.first = &n->handed,
                                        .first_size = sizeof n->handed};
    return TRANSPORT_DONE;
}

static enum transport_result acknowledge(struct transport *t,
                                         const struct transport_peer *to,
                                         const struct wire_head *head)
{
    (void)t;
    (void)to;
    (void)head;
    return TRANSPORT_DONE; /* the near side receives none but answers */
}

static void close_near(struct transport *t)
{
    stored_free(&near_of(t)->stored);
    free(t);
}

static const struct transport_calls calls = {send_message, receive, acknowledge,
                                             close_near};

struct transport *stored_near_open(const char *address)
{
    struct stored_near *n = calloc(1, sizeof *n);

    if (n && stored_init(&n->stored, address)) {
        n->base.calls = &calls;
        return &n->base;
    }
    free(n);
    return NULL;
}
