/* SPDX-License-Identifier: MIT */
#include "bridge/stored.h"
#include "bridge/ticks.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { AT_A_TIME = 32, ID_MAX = 48, STREAMS = 64 };

/* A message that was handed out and may not be removed yet. */
struct held {
    char id[ID_MAX];
    uint64_t stream, last; /* its last entry */
};

/* Which session of a stream was introduced last. */
struct introduced {
    uint64_t stream, session;
};

struct stored_far {
    struct transport base;
    struct stored stored;
    redisReply *batch; /* of XREAD, or NULL */
    size_t next;       /* message in it */
    char read[ID_MAX]; /* up to where the stream was read */
    unsigned removing; /* answers of Redis that are on their way */

    struct held *held;
    size_t held_count, held_room;
    struct introduced introduced[STREAMS];
    bool is_out;      /* the message before `next` was handed out last */
    unsigned refused; /* times that the message was, that is next */
    struct wire_head hello;
    unsigned char *first; /* of a message whose head was changed */
};

static struct stored_far *far_of(struct transport *t)
{
    return (struct stored_far *)t;
}

static void drop_batch(struct stored_far *f)
{
    if (f->batch)
        freeReplyObject(f->batch);
    f->batch = NULL;
    f->next = 0;
}

/* What was read and not removed is read again from the beginning. */
static void break_off(struct stored_far *f)
{
    stored_disconnect(&f->stored);
    drop_batch(f);
    strcpy(f->read, "0");
    f->held_count = 0;
    f->removing = 0;
    f->refused = 0;
    f->is_out = false;
}

/* ------------------------------------------------------------------ removal */

static void remove_message(struct stored_far *f, const char *id)
{
    if (f->stored.redis && redisAppendCommand(f->stored.redis, "XDEL %s %s",
                                              f->stored.key, id) == REDIS_OK)
        f->removing++;
}

static bool finish_removals(struct stored_far *f)
{
    while (f->removing > 0) {
        redisReply *r = stored_answer(&f->stored);

        if (!r) {
            break_off(f);
            return false;
        }
        freeReplyObject(r);
        f->removing--;
    }
    return true;
}

static bool hold(struct stored_far *f, const char *id,
                 const struct wire_message *m)
{
    struct held *h;

    if (f->held_count == f->held_room) {
        size_t room = f->held_room ? 2 * f->held_room : 16;
        struct held *larger = realloc(f->held, room * sizeof *larger);

        if (!larger)
            return false;
        f->held = larger;
        f->held_room = room;
    }
    h = &f->held[f->held_count++];
    *h = (struct held){.stream = m->head.stream,
                       .last = wire_entry(m, m->head.count - 1).offset};
    strncat(h->id, id, ID_MAX - 1);
    return true;
}

static enum transport_result acknowledge(struct transport *t,
                                         const struct transport_peer *to,
                                         const struct wire_head *head)
{
    struct stored_far *f = far_of(t);
    size_t kept = 0;

    (void)to;
    for (size_t i = 0; i < f->held_count; i++) {
        const struct held *h = &f->held[i];

        if (h->stream == head->stream && head->after != WIRE_NONE &&
            h->last <= head->after)
            remove_message(f, h->id);
        else
            f->held[kept++] = *h;
    }
    f->held_count = kept;
    return TRANSPORT_DONE;
}

/* ----------------------------------------------------------------- receive */

/* [[key, [[id, [h, first, p, payload]], ...]]] */
static const redisReply *messages_of(const redisReply *r)
{
    return r->type == REDIS_REPLY_ARRAY && r->elements == 1 && r->element[0] &&
                   r->element[0]->type == REDIS_REPLY_ARRAY &&
                   r->element[0]->elements == 2 && r->element[0]->element[1] &&
                   r->element[0]->element[1]->type == REDIS_REPLY_ARRAY
               ? r->element[0]->element[1]
               : NULL;
}

static bool fetch(struct stored_far *f, int timeout_ms)
{
    redisReply *r;

    drop_batch(f);
    if (!stored_connect(&f->stored) || !finish_removals(f))
        return false;
    /* What was done is removed, so that there is nothing but what comes.
     * Numbers of messages may begin anew, if a clock was set back. */
    if (f->held_count == 0)
        strcpy(f->read, "0");
    r = redisCommand(f->stored.redis, "XREAD COUNT %d BLOCK %d STREAMS %s %s",
                     AT_A_TIME, timeout_ms > 0 ? timeout_ms : 1, f->stored.key,
                     f->read);
    if (!r) {
        break_off(f);
        return false;
    }
    f->batch = r;
    if (messages_of(r))
        return true;
    if (r->type != REDIS_REPLY_NIL) {
        stored_complain(&f->stored, r);
        break_off(f); /* it is tried again later */
    }
    return false;
}

static struct introduced *place_of(struct stored_far *f, uint64_t stream)
{
    struct introduced *at = &f->introduced[stream % STREAMS];

    for (int i = 0; i < STREAMS; i++)
        if (f->introduced[i].stream == stream)
            at = &f->introduced[i];
    return at;
}

/* Who reads a message of a session has to be told of the session first. */
static bool introduce(struct stored_far *f, const struct wire_head *head,
                      struct transport_packet *packet)
{
    struct introduced *at = place_of(f, head->stream);

    if (at->stream == head->stream && at->session == head->session)
        return false;
    *at = (struct introduced){head->stream, head->session};
    f->hello = wire_make(WIRE_HELLO, head->stream, head->session, WIRE_NONE);
    wire_swap_head(&f->hello);
    *packet = (struct transport_packet){.first = &f->hello,
                                        .first_size = sizeof f->hello};
    return true;
}

/* What is missing was lost by Redis and does not come again: the message is
 * handed out as one behind a gap. */
static bool force(struct stored_far *f, struct wire_head head,
                  struct transport_packet *packet)
{
    free(f->first);
    f->first = malloc(packet->first_size);
    if (!f->first)
        return false;
    head.flags |= WIRE_LOSSY;
    wire_swap_head(&head);
    memcpy(f->first, packet->first, packet->first_size);
    memcpy(f->first, &head, sizeof head);
    packet->first = f->first;
    return true;
}

static void pass(struct stored_far *f, const char *id)
{
    f->read[0] = '\0';
    strncat(f->read, id, ID_MAX - 1);
    f->next++;
}

static bool is_text(const redisReply *r)
{
    return r && r->type == REDIS_REPLY_STRING && r->str;
}

static bool has_fields(const redisReply *message)
{
    const redisReply *fields = message->element[1];

    return fields && fields->type == REDIS_REPLY_ARRAY &&
           fields->elements == 4 && is_text(fields->element[1]) &&
           is_text(fields->element[3]);
}

/* The message that is next; false: it is none, and is removed. */
static bool hand_out(struct stored_far *f, const redisReply *message,
                     struct transport_packet *packet)
{
    const redisReply *fields;
    const char *id;
    struct wire_message m;

    if (!message || message->type != REDIS_REPLY_ARRAY ||
        message->elements != 2 || !is_text(message->element[0])) {
        f->next++; /* this is no Redis */
        return false;
    }
    fields = message->element[1];
    id = message->element[0]->str;
    if (!has_fields(message) ||
        wire_read(fields->element[1]->str, fields->element[1]->len,
                  fields->element[3]->str, fields->element[3]->len, &m) ||
        (m.head.kind != WIRE_DATA && m.head.kind != WIRE_PART) ||
        f->refused > 2) {
        remove_message(f, id);
        pass(f, id);
        f->refused = 0;
        return false;
    }
    if (introduce(f, &m.head, packet))
        return true;
    *packet = (struct transport_packet){
        .first = fields->element[1]->str,
        .first_size = fields->element[1]->len,
        .payload = fields->element[3]->str,
        .payload_size = fields->element[3]->len,
    };
    if (f->refused > 1 && !force(f, m.head, packet))
        return false;
    if (!hold(f, id, &m))
        return false;
    pass(f, id);
    f->is_out = true;
    return true;
}

static enum transport_result
receive(struct transport *t, struct transport_packet *packet, int timeout_ms)
{
    const struct timespec turn = ticks_span((uint64_t)timeout_ms * TICKS_MS);
    struct stored_far *f = far_of(t);
    const redisReply *messages = f->batch ? messages_of(f->batch) : NULL;

    if (f->is_out) /* and was not refused */
        f->refused = 0;
    f->is_out = false;
    if (!messages || f->next >= messages->elements) {
        if (!fetch(f, timeout_ms)) {
            if (!f->stored.redis && timeout_ms > 0)
                nanosleep(&turn, NULL);
            return TRANSPORT_LATER;
        }
        messages = messages_of(f->batch);
    }
    while (f->next < messages->elements)
        if (hand_out(f, messages->element[f->next], packet))
            return TRANSPORT_DONE;
    return TRANSPORT_LATER;
}

/* The message that was handed out last did not fit: with its session introduced
 * again, perhaps the channel was made anew; else behind a gap. */
static void refuse(struct stored_far *f, const struct wire_head *about)
{
    *place_of(f, about->stream) = (struct introduced){0, 0};
    if (!f->is_out)
        return;
    f->is_out = false;
    f->held_count--;
    f->next--;
    f->refused++;
}

static enum transport_result
send_message(struct transport *t, const struct transport_peer *to,
             const void *first, size_t first_size,
             const struct transport_payload *payload, int timeout_ms)
{
    struct wire_message m;

    (void)to;
    (void)payload;
    (void)timeout_ms;
    if (!wire_read(first, first_size, NULL, 0, &m) &&
        m.head.kind == WIRE_RESTART)
        refuse(far_of(t), &m.head);
    return TRANSPORT_DONE; /* nobody is there to hear the rest */
}

static void close_far(struct transport *t)
{
    struct stored_far *f = far_of(t);

    if (f->stored.redis)
        (void)finish_removals(f);
    drop_batch(f);
    stored_free(&f->stored);
    free(f->held);
    free(f->first);
    free(f);
}

static const struct transport_calls calls = {send_message, receive, acknowledge,
                                             close_far};

struct transport *stored_far_open(const char *address)
{
    struct stored_far *f = calloc(1, sizeof *f);

    if (f && stored_init(&f->stored, address)) {
        f->base.calls = &calls;
        strcpy(f->read, "0");
        return &f->base;
    }
    free(f);
    return NULL;
}
