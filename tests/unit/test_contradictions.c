/* SPDX-License-Identifier: MIT */
/*
 * Each call that reads, on each kind of ring: what a kind cannot give is
 * refused by a status that says so, and changes nothing.
 */
#include "broadcasts.h"
#include <shmipc/ipc_acknowledge.h>
#include <shmipc/ipc_batch.h>

enum { BLOCKS = 8, ENTRIES = 3 };

/* ------------------------------------------------------------- the calls */

static IpcStatus call_read(IpcBuffer *b)
{
    return try_to_read(b);
}

static IpcStatus call_peek(IpcBuffer *b)
{
    IpcEntry entry;

    return ipc_buffer_peek(b, &entry).ipc_status;
}

static IpcStatus call_skip(IpcBuffer *b)
{
    return ipc_buffer_skip(b, 0).ipc_status;
}

static IpcStatus call_skip_force(IpcBuffer *b)
{
    return ipc_buffer_skip_force(b).ipc_status;
}

static IpcStatus call_read_batch(IpcBuffer *b)
{
    unsigned char memory[512];
    IpcEntry entries[2];

    return ipc_buffer_read_batch(b, entries, 2, memory, sizeof memory)
        .ipc_status;
}

static IpcStatus call_read_array(IpcBuffer *b)
{
    unsigned char items[2][64];

    return ipc_buffer_read_array(b, items, 64, 2).ipc_status;
}

static IpcStatus call_read_ahead(IpcBuffer *b)
{
    IpcEntry entry;

    return ipc_buffer_read_ahead(b, &entry).ipc_status;
}

static IpcStatus call_acknowledge(IpcBuffer *b)
{
    return ipc_buffer_acknowledge(b, 0).ipc_status;
}

static IpcStatus call_give_back(IpcBuffer *b)
{
    return ipc_buffer_give_back(b, 0).ipc_status;
}

static IpcStatus call_subscribe(IpcBuffer *b)
{
    return ipc_buffer_subscribe(b, NULL).ipc_status;
}

static IpcStatus call_unsubscribe(IpcBuffer *b)
{
    return ipc_buffer_unsubscribe(b).ipc_status;
}

/* ------------------------------------------------------------- the kinds */

enum kind { QUEUE, ONE_CONSUMER, WORK, STRANGER, SUBSCRIBER, OBSERVER, KINDS };

static const char *const kinds[KINDS] = {
    "a queue",         "a queue of one consumer", "a work queue",
    "no subscriber's", "a subscriber's",          "an observer's",
};

enum {
    OK = IPC_OK,
    ILLEGAL = IPC_ERR_ILLEGAL_STATE,
    NOT = IPC_ERR_NOT_SUBSCRIBED,
    MISMATCH = IPC_ERR_OFFSET_MISMATCH,
    READ_ONLY = IPC_ERR_READ_ONLY,
};

/* clang-format off */
static const struct {
    const char *name;
    IpcStatus (*call)(IpcBuffer *b);
    IpcStatus is[KINDS];
} calls[] = {
    {"read", call_read, {OK, OK, ILLEGAL, NOT, OK, READ_ONLY}},
    {"peek", call_peek, {OK, OK, OK, NOT, OK, OK}},
    {"skip", call_skip, {OK, OK, ILLEGAL, NOT, OK, READ_ONLY}},
    {"skip_force", call_skip_force, {OK, OK, OK, NOT, OK, READ_ONLY}},
    {"read_batch", call_read_batch, {OK, OK, ILLEGAL, NOT, OK, READ_ONLY}},
    {"read_array", call_read_array, {OK, OK, ILLEGAL, NOT, OK, READ_ONLY}},
    {"read_ahead", call_read_ahead,
     {ILLEGAL, OK, OK, ILLEGAL, ILLEGAL, READ_ONLY}},
    {"acknowledge", call_acknowledge,
     {ILLEGAL, MISMATCH, MISMATCH, ILLEGAL, ILLEGAL, READ_ONLY}},
    {"give_back", call_give_back,
     {ILLEGAL, MISMATCH, MISMATCH, ILLEGAL, ILLEGAL, READ_ONLY}},
    {"subscribe", call_subscribe,
     {ILLEGAL, ILLEGAL, ILLEGAL, OK, ILLEGAL, READ_ONLY}},
    {"unsubscribe", call_unsubscribe, {NOT, NOT, NOT, NOT, OK, NOT}},
};
/* clang-format on */

static void *memory;

static IpcBuffer *new_queue(uint32_t flags)
{
    IpcBufferOptions options = {
        .struct_size = sizeof options, .flags = flags, .max_owners = 8};
    size_t size = ring_size(BLOCKS, 8) + 64;

    memory = shared_memory(size);
    return result_of(ipc_buffer_create_with_options(memory, size, &options));
}

/* With three entries, that can be read from offset 0 on. */
static IpcBuffer *new_one(enum kind kind)
{
    const uint32_t flags[KINDS] = {[ONE_CONSUMER] = IPC_BUFFER_ONE_CONSUMER,
                                   [WORK] = IPC_BUFFER_ACKNOWLEDGE};
    IpcBuffer *b = kind == STRANGER || kind == SUBSCRIBER || kind == OBSERVER
                       ? new_broadcast(BLOCKS, 0, 2, &memory)
                       : new_queue(flags[kind]);

    if (kind == SUBSCRIBER)
        must_work(ipc_buffer_subscribe(b, NULL));
    for (uint64_t seed = 0; seed < ENTRIES; seed++)
        must_write(b, 64, seed);
    if (kind == OBSERVER)
        b = result_of(ipc_buffer_observe(memory, broadcast_size(BLOCKS, 8, 2)));
    return b;
}

static uint64_t words_of(const void *region)
{
    const struct shm_region *r = region;

    return r->head.position * 31 + r->tail.position;
}

Test(unit, each_kind_of_ring_refuses_what_contradicts_it)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (enum kind kind = 0; kind < KINDS; kind++) {
            IpcBuffer *b = new_one(kind);
            uint64_t before = words_of(memory);
            IpcStatus status = calls[i].call(b);

            must_say(status == calls[i].is[kind], "%s of %s is %s",
                     calls[i].name, kinds[kind], ipc_status_name(status));
            must_say(status == IPC_OK || words_of(memory) == before,
                     "%s of %s changed something", calls[i].name, kinds[kind]);
            must_work(ipc_buffer_destroy(b));
        }
}
