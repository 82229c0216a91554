/* SPDX-License-Identifier: MIT */
/* What victims do. */
#include "crash.h"
#include "ring/control.h"
#include <shmipc/ipc_acknowledge.h>
#include <shmipc/ipc_batch.h>
#include <stdlib.h>
#include <string.h>

static void do_write(IpcChannel *ch)
{
    write_one(ch, OF_VICTIM, 100);
}

static void do_write_long(IpcChannel *ch)
{
    write_one(ch, OF_VICTIM, 3 * 64);
}

static void do_write_too_long(IpcChannel *ch)
{
    write_one(ch, OF_VICTIM, 7 * 64);
}

static void do_commit(IpcChannel *ch)
{
    struct message m;
    IpcReservation r;
    IpcStatus status;

    fill(&m, OF_VICTIM, 40);
    if (ipc_channel_reserve(ch, 150, &r).ipc_status != IPC_OK)
        return;
    note_began(OF_VICTIM, 1);
    memcpy(r.payload, &m, 40);
    status = ipc_channel_commit(ch, &r, 40).ipc_status;
    note_written(OF_VICTIM, 1, status == IPC_OK);
}

static void do_abort(IpcChannel *ch)
{
    IpcReservation r;

    if (ipc_channel_reserve(ch, 150, &r).ipc_status == IPC_OK)
        ipc_channel_abort(ch, &r);
}

static void do_batch(IpcChannel *ch)
{
    IpcChannelWriteBatchResult r;
    struct message m[3];
    struct iovec entries[3];

    for (uint32_t i = 0; i < 3; i++) {
        fill(&m[i], OF_VICTIM + i, 30 + 40 * i);
        entries[i] = (struct iovec){&m[i], 30 + 40 * i};
    }
    note_began(OF_VICTIM, 3);
    r = ipc_channel_write_batch(ch, entries, 3);
    note_written(OF_VICTIM, 3, r.ipc_status == IPC_OK ? r.result : 0);
}

static void do_array(IpcChannel *ch)
{
    IpcChannelWriteBatchResult r;
    uint32_t items[10][2];

    for (uint32_t i = 0; i < 10; i++) {
        items[i][0] = OF_VICTIM + i;
        items[i][1] = ~items[i][0];
    }
    note_began(OF_VICTIM, 10);
    r = ipc_channel_write_array(ch, items, sizeof items[0], 10);
    note_written(OF_VICTIM, 10, r.ipc_status == IPC_OK ? r.result : 0);
}

static void do_write_blocking(IpcChannel *ch)
{
    struct message m;
    IpcStatus status;

    fill(&m, OF_VICTIM, 40);
    note_began(OF_VICTIM, 1);
    status = ipc_channel_write_blocking(ch, &m, 40).ipc_status;
    note_written(OF_VICTIM, 1, status == IPC_OK);
}

static void do_read(IpcChannel *ch)
{
    try_read_one(ch);
}

static void do_read_allocated(IpcChannel *ch)
{
    IpcEntry entry;

    if (ipc_channel_try_read(ch, &entry).ipc_status != IPC_OK)
        return;
    note_read(entry.payload, entry.size);
    free(entry.payload);
}

/* The second read is one of a handle that has its role and has read. */
static void do_read_twice(IpcChannel *ch)
{
    do_read(ch);
    do_read(ch);
}

static void do_read_batch(IpcChannel *ch)
{
    struct message m[3];
    IpcEntry entries[3];
    IpcChannelReadBatchResult r =
        ipc_channel_try_read_batch(ch, entries, 3, m, sizeof m);

    for (size_t i = 0; r.ipc_status == IPC_OK && i < r.result; i++)
        note_read(entries[i].payload, entries[i].size);
}

static void read_array(IpcChannel *ch, int count)
{
    unsigned char items[3][40];
    IpcChannelReadBatchResult r =
        ipc_channel_try_read_array(ch, items, sizeof items[0], count);

    for (size_t i = 0; r.ipc_status == IPC_OK && i < r.result; i++)
        note_read(items[i], sizeof items[i]);
}

static void do_read_array(IpcChannel *ch)
{
    read_array(ch, 3);
}

static void do_read_most_of_an_array(IpcChannel *ch)
{
    read_array(ch, 2);
}

static void do_read_blocking(IpcChannel *ch)
{
    read_one(ch, 3600 * 1000L);
}

static void do_read_to_the_end(IpcChannel *ch)
{
    while (read_one(ch, 3600 * 1000L) == IPC_OK)
        continue;
}

/* Notes of those read ahead only what it has acknowledged, which is the first
 * ones of three: the others are for whoever comes next. */
static void read_ahead(IpcChannel *ch, uint32_t acknowledged, bool gives_back)
{
    struct message copies[3];
    uint64_t offsets[3];

    for (uint32_t i = 0; i < 3; i++) {
        IpcEntry entry;

        if (ipc_channel_try_read_ahead(ch, &entry).ipc_status != IPC_OK)
            return;
        memcpy(&copies[i], entry.payload, entry.size);
        must(entry.size == 40);
        offsets[i] = entry.offset;
    }
    if (gives_back)
        must(ipc_channel_give_back(ch, offsets[acknowledged]).ipc_status ==
             IPC_OK);
    must(ipc_channel_acknowledge(ch, offsets[acknowledged - 1]).ipc_status ==
         IPC_OK);
    for (uint32_t i = 0; i < acknowledged; i++)
        note_read(&copies[i], 40);
}

static void do_acknowledge_some(IpcChannel *ch)
{
    read_ahead(ch, 2, false);
}

static void do_acknowledge_all(IpcChannel *ch)
{
    read_ahead(ch, 3, false);
}

static void do_give_back(IpcChannel *ch)
{
    read_ahead(ch, 1, true);
}

static void do_peek_and_skip(IpcChannel *ch)
{
    unsigned char copy[64];
    IpcEntry entry;

    if (ipc_channel_peek(ch, &entry).ipc_status != IPC_OK ||
        entry.size > sizeof copy)
        return;
    memcpy(copy, entry.payload, entry.size);
    if (ipc_channel_skip(ch, entry.offset).ipc_status == IPC_OK)
        note_read(copy, entry.size);
}

/* It may skip an entry or a claim. Which entry is looked up before: once it is
 * skipped its blocks are the producers'. */
static void do_skip_force(IpcChannel *ch)
{
    IpcChannelSkipForceResult r;
    bool there[BLOCKS];
    uint32_t ids[BLOCKS], block;

    for (uint32_t i = 0; i < BLOCKS; i++) {
        there[i] = control_state(control_words()[i]) == CONTROL_READY;
        memcpy(&ids[i], block_at(i), sizeof ids[i]);
    }
    r = ipc_channel_skip_force(ch);
    block = (uint32_t)(r.result / SHMIPC_BLOCK % BLOCKS);
    if (r.ipc_status == IPC_OK && there[block])
        ledger->seen[ids[block]]++;
}

static void do_recover(IpcChannel *ch)
{
    ipc_channel_recover(ch, false);
}

static void do_recover_by_force(IpcChannel *ch)
{
    ipc_channel_recover(ch, true);
}

static void do_close(IpcChannel *ch)
{
    ipc_channel_close(ch);
}

static void do_join(IpcChannel *ch)
{
    (void)ch;
    join();
}

static void do_join_and_write(IpcChannel *ch)
{
    (void)ch;
    write_one(join(), OF_VICTIM, 40);
}

static void do_destroy(IpcChannel *ch)
{
    write_one(ch, OF_VICTIM, 40);
    do_read(ch);
    ipc_channel_destroy(ch);
}

static void do_destroy_reserved(IpcChannel *ch)
{
    IpcReservation r;

    IPC_IGNORE(ipc_channel_reserve(ch, 100, &r));
    ipc_channel_destroy(ch);
}

static void do_create(IpcChannel *ch)
{
    (void)ch;
    create();
}

/* ----------------------------------------------------- who wakes sleepers */

static void one_more(void)
{
    IpcChannel *ch = join();

    must(write_one(ch, OF_OTHERS - 1, 40) == IPC_OK);
    ipc_channel_destroy(ch);
}

static void one_less(void)
{
    IpcChannel *ch = join();

    must(read_one(ch, 2000) == IPC_OK);
    ipc_channel_destroy(ch);
}

enum {
    ALL = 15,
    MANY_PRODUCERS = 1 << 0 | 1 << IPC_BUFFER_ONE_CONSUMER,
    ONE_PRODUCER = ALL & ~MANY_PRODUCERS,
    ONE_CONSUMER = 1 << IPC_BUFFER_ONE_CONSUMER |
                   1 << (IPC_BUFFER_ONE_CONSUMER | IPC_BUFFER_ONE_PRODUCER),
};

/* clang-format off */
const struct operation operations[] = {
    {"write", nothing, do_write, NULL, 0, ORDINARY, ALL},
    {"write-around-the-end", near_the_end, do_write_long, NULL, 0, ORDINARY,
     ALL},
    {"write-that-leaves-filler", near_the_end, do_write_too_long, NULL, 0,
     ORDINARY, ALL},
    {"commit", nothing, do_commit, NULL, 0, ORDINARY, ALL},
    {"abort", nothing, do_abort, NULL, 0, ORDINARY, ALL},
    {"batch", nothing, do_batch, NULL, 0, ORDINARY, ALL},
    {"batch-around-the-end", near_the_end, do_batch, NULL, 0, ORDINARY, ALL},
    {"array", nothing, do_array, NULL, 0, ORDINARY, ALL},
    {"write-that-wakes", sleepers, do_write, NULL, 0, ORDINARY, ALL},
    {"write-that-sleeps", full_ring, do_write_blocking, one_less, 0, ORDINARY,
     ALL},
    {"read", three_messages, do_read, NULL, 1, ORDINARY, ALL},
    {"read-twice", three_messages, do_read_twice, NULL, 1, ORDINARY, ALL},
    {"read-allocated", three_messages, do_read_allocated, NULL, 1, ORDINARY,
     ALL},
    {"read-that-wakes", sleepers, do_read, NULL, 1, ORDINARY, ALL},
    {"read-batch", three_messages, do_read_batch, NULL, 3, ORDINARY, ALL},
    {"read-array", three_messages, do_read_array, NULL, 3, ORDINARY, ALL},
    {"read-out-of-an-array", three_in_an_array, do_read, NULL, 1, ORDINARY,
     ALL},
    {"read-most-of-an-array", three_in_an_array, do_read_most_of_an_array,
     NULL, 2, ORDINARY, ALL},
    {"read-that-sleeps", nothing, do_read_blocking, one_more, 1, ORDINARY, ALL},
    {"acknowledge-some", three_messages, do_acknowledge_some, NULL, 2, ORDINARY,
     ONE_CONSUMER},
    {"acknowledge-all", sleepers, do_acknowledge_all, NULL, 3, ORDINARY,
     ONE_CONSUMER},
    {"acknowledge-in-an-array", three_in_an_array, do_acknowledge_some, NULL, 2,
     ORDINARY, ONE_CONSUMER},
    {"give-back", three_messages, do_give_back, NULL, 1, ORDINARY,
     ONE_CONSUMER},
    {"peek-and-skip", three_messages, do_peek_and_skip, NULL, 1, ORDINARY, ALL},
    {"read-what-a-dead-one-read-ahead", dead_ahead, do_acknowledge_some, NULL,
     2, ORDINARY, ONE_CONSUMER},
    {"skip-force", three_messages, do_skip_force, NULL, 1, ORDINARY, ALL},
    {"skip-force-a-dead-claim", dead_claim, do_skip_force, NULL, 0, ORDINARY,
     MANY_PRODUCERS},
    {"take-the-role-over", dead_producer, do_write, NULL, 0, ORDINARY, ALL},
    {"take-over-behind-tail", behind_tail, do_write, NULL, 0, ORDINARY,
     ONE_PRODUCER},
    {"take-the-readers-role-over", dead_consumer, do_read, NULL, 1, ORDINARY,
     ONE_CONSUMER},
    {"recover", dead_claim, do_recover, NULL, 0, ORDINARY, MANY_PRODUCERS},
    {"recover-by-force", unknown_claim, do_recover_by_force, NULL, 0, FORCES,
     ALL},
    {"recover-half-a-closing", half_closed, do_recover, NULL, 0, CLOSES, ALL},
    {"read-past-a-dead-claim", dead_claim, do_read_blocking, one_more, 1,
     ORDINARY, MANY_PRODUCERS},
    {"read-to-half-a-closing", half_closed, do_read_to_the_end, NULL, 1,
     CLOSES, ALL},
    {"write-to-half-a-closing", half_closed, do_write, NULL, 0, CLOSES, ALL},
    {"join", nobody_joined, do_join, NULL, 0, JOINS, ALL},
    {"join-and-write", nobody_joined, do_join_and_write, NULL, 0, JOINS, ALL},
    {"destroy", nothing, do_destroy, NULL, 1, ORDINARY, ALL},
    {"destroy-with-a-reservation", three_messages, do_destroy_reserved, NULL,
     0, ORDINARY, ALL},
    {"close", three_messages, do_close, NULL, 0, CLOSES, ALL},
    {"close-that-wakes", sleepers, do_close, NULL, 0, CLOSES, ALL},
    {"create", blank_memory, do_create, NULL, 0, CREATES, ALL},
    {"create-anew", three_messages, do_create, NULL, 0, CREATES, ALL},
};
/* clang-format on */

const size_t operation_count = sizeof operations / sizeof operations[0];

IpcChannel *make_ready(const struct operation *o)
{
    IpcChannel *ch = o->kind >= JOINS && o->kind <= TAPS ? NULL : join();

    if (o->kind >= READS && o->kind < EVICTS)
        subscribe_as(ch, o->kind);
    return ch;
}

void prepare_for(const struct operation *o)
{
    if (o->kind == EVICTED_TO_OLDEST || o->kind == EVICTED_TO_NEWEST)
        evict();
}
