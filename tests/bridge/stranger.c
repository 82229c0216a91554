/* SPDX-License-Identifier: MIT */
/*
 * A peer that means no good: sends messages that are damaged in all ways that
 * are not noticed by ZeroMQ itself, many sessions, and parts without end.
 *
 *     stranger tcp://HOST:PORT MESSAGES
 *     stranger tcp://HOST:PORT parts
 *     stranger tcp://HOST:PORT large
 *     stranger tcp://HOST:PORT misfit
 *
 * `misfit` sends what was said not to fit. `large` begins messages of 2 MiB in
 * many streams, and sends all but the last part of each. `parts` sends a large
 * message of which a part is missing, then all of it, twice: 0 if it was asked
 * to begin anew, and then told that it is there.
 */
#include "bridge/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { ENTRIES = 4, SIZE = 100, PARTS = 50 };

static uint64_t next_random(void)
{
    static uint64_t x = 88172645463325252U;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

/* A few offsets, sizes and numbers that are, or are almost, what they should
 * be. */
static uint64_t odd_number(void)
{
    static const uint64_t odd[] = {
        0,          8,          64,        UINT64_MAX, UINT64_MAX - 7,
        1ULL << 63, 1ULL << 32, 1ULL << 28};

    return next_random() % 4 ? odd[next_random() % (sizeof odd / sizeof *odd)]
                             : next_random();
}

static size_t make(unsigned char *first)
{
    struct wire_head head =
        wire_make((enum wire_kind)(1 + next_random() % 9),
                  1 + next_random() % 100, 1 + next_random() % 3, odd_number());
    uint32_t count = head.kind == WIRE_DATA   ? ENTRIES
                     : head.kind == WIRE_PART ? 1
                                              : 0;

    if (next_random() % 8 == 0)
        head.flags = WIRE_LOSSY;
    head.count = next_random() % 8 ? count : (uint32_t)odd_number();
    head.value = next_random() % 8 ? 0 : odd_number();
    wire_swap_head(&head);
    memcpy(first, &head, sizeof head);
    for (uint32_t i = 0; i < count; i++) {
        struct wire_entry e = {
            next_random() % 8 ? i * 128 : odd_number(),
            next_random() % 8 ? SIZE : (uint32_t)odd_number(), 0};

        wire_swap_entry(&e);
        memcpy(first + sizeof head + i * sizeof e, &e, sizeof e);
    }
    return sizeof head + count * sizeof(struct wire_entry);
}

static void send_one(void *socket)
{
    unsigned char first[WIRE_FIRST_MAX], payload[ENTRIES * SIZE] = {0};
    size_t size = make(first);
    bool has_payload = next_random() % 8 != 0;
    unsigned parts = next_random() % 64 ? 0 : PARTS;

    if (next_random() % 8 == 0)
        first[next_random() % size] = (unsigned char)next_random();
    if (next_random() % 16 == 0)
        size = next_random() % size;
    zmq_send(socket, first, size, has_payload ? ZMQ_SNDMORE : 0);
    if (!has_payload)
        return;
    for (unsigned i = 0; i < parts; i++)
        zmq_send(socket, payload, 10, ZMQ_SNDMORE);
    zmq_send(socket, payload, sizeof payload, 0);
}

enum { STREAM = 5, PART = 1000, WHOLE = 3 * PART };

static void say(void *socket, enum wire_kind kind, uint64_t session)
{
    struct wire_head head = wire_make(kind, STREAM, session, WIRE_NONE);

    wire_swap_head(&head);
    zmq_send(socket, &head, sizeof head, 0);
}

static void send_part(void *socket, uint64_t session, uint64_t at)
{
    struct wire_head head = wire_make(WIRE_PART, STREAM, session, WIRE_NONE);
    struct wire_entry e = {64, WHOLE, 0};
    unsigned char first[sizeof head + sizeof e], payload[PART] = {0};

    head.count = 1;
    head.value = at;
    wire_swap_head(&head);
    wire_swap_entry(&e);
    memcpy(first, &head, sizeof head);
    memcpy(first + sizeof head, &e, sizeof e);
    zmq_send(socket, first, sizeof first, ZMQ_SNDMORE);
    zmq_send(socket, payload, sizeof payload, 0);
}

/* The next answer's kind; 0: none came. */
static int hear(void *socket)
{
    struct wire_message m;
    unsigned char bytes[1024];
    int size = zmq_recv(socket, bytes, sizeof bytes, 0);

    return size > 0 && size <= (int)sizeof bytes &&
                   !wire_read(bytes, (size_t)size, NULL, 0, &m)
               ? m.head.kind
               : 0;
}

static bool try_parts(void *socket)
{
    say(socket, WIRE_HELLO, 1);
    if (hear(socket) != WIRE_WELCOME)
        return false;
    send_part(socket, 1, 0);
    send_part(socket, 1, 2 * PART);
    if (hear(socket) != WIRE_RESTART)
        return false;
    say(socket, WIRE_HELLO, 2);
    if (hear(socket) != WIRE_WELCOME)
        return false;
    send_part(socket, 2, 0);
    send_part(socket, 2, PART);
    send_part(socket, 2, PART); /* once more: no */
    if (hear(socket) != WIRE_RESTART)
        return false;
    say(socket, WIRE_HELLO, 3);
    if (hear(socket) != WIRE_WELCOME)
        return false;
    /* All of it, and once more. */
    for (int i = 0; i < 2; i++) {
        for (uint64_t at = 0; at < WHOLE; at += PART)
            send_part(socket, 3, at);
        if (hear(socket) != WIRE_ACK)
            return false;
    }
    return true;
}

enum { STREAMS = 60, LARGE = 2 << 20, LARGE_PART = 32 << 10 };

static void send_large_part(void *socket, uint64_t stream, uint64_t at)
{
    static unsigned char payload[LARGE_PART];
    struct wire_head head = wire_make(WIRE_PART, stream, 1, WIRE_NONE);
    struct wire_entry e = {64, LARGE, 0};
    unsigned char first[sizeof head + sizeof e];

    head.count = 1;
    head.value = at;
    wire_swap_head(&head);
    wire_swap_entry(&e);
    memset(payload, 7, sizeof payload);
    memcpy(first, &head, sizeof head);
    memcpy(first + sizeof head, &e, sizeof e);
    zmq_send(socket, first, sizeof first, ZMQ_SNDMORE);
    zmq_send(socket, payload, sizeof payload, 0);
}

static bool begin_many(void *socket)
{
    for (uint64_t stream = 100; stream < 100 + STREAMS; stream++) {
        struct wire_head head = wire_make(WIRE_HELLO, stream, 1, WIRE_NONE);

        wire_swap_head(&head);
        zmq_send(socket, &head, sizeof head, 0);
        if (hear(socket) != WIRE_WELCOME)
            return false;
        for (uint64_t at = 0; at < LARGE - LARGE_PART; at += LARGE_PART)
            send_large_part(socket, stream, at);
    }
    /* Its answer comes behind all of that. */
    say(socket, WIRE_HELLO, 1);
    return hear(socket) == WIRE_WELCOME;
}

/* An entry that was said not to fit. */
static bool send_too_large(void *socket)
{
    enum { SIZE_TOO_LARGE = 60000 };
    struct wire_head head = wire_make(WIRE_HELLO, STREAM, 1, WIRE_NONE);
    struct wire_entry e = {64, SIZE_TOO_LARGE, 0};
    unsigned char first[sizeof head + sizeof e];
    static unsigned char payload[SIZE_TOO_LARGE];

    say(socket, WIRE_HELLO, 1);
    if (hear(socket) != WIRE_WELCOME)
        return false;
    head = wire_make(WIRE_DATA, STREAM, 1, WIRE_NONE);
    head.count = 1;
    wire_swap_head(&head);
    wire_swap_entry(&e);
    memcpy(first, &head, sizeof head);
    memcpy(first + sizeof head, &e, sizeof e);
    zmq_send(socket, first, sizeof first, ZMQ_SNDMORE);
    zmq_send(socket, payload, sizeof payload, 0);
    return hear(socket) == WIRE_RESTART;
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_DEALER);
    int patience = 10000;
    char answer[64];

    if (argc != 3 ||
        zmq_setsockopt(socket, ZMQ_LINGER, &patience, sizeof patience) != 0 ||
        zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof patience) != 0 ||
        zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience) != 0 ||
        zmq_connect(socket, argv[1]) != 0)
        return 2;
    if (strcmp(argv[2], "parts") == 0)
        return try_parts(socket) ? 0 : 1;
    if (strcmp(argv[2], "misfit") == 0)
        return send_too_large(socket) ? 0 : 1;
    if (strcmp(argv[2], "large") == 0)
        return begin_many(socket) ? 0 : 1;
    for (long i = atol(argv[2]); i > 0; i--) {
        send_one(socket);
        while (zmq_recv(socket, answer, sizeof answer, ZMQ_DONTWAIT) >= 0)
            ;
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
