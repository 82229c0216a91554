/* SPDX-License-Identifier: MIT */
/* What a victim does, and what is there before it does. */
#include "crash.h"
#include "ring/control.h"
#include <shmipc/ipc_batch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* -------------------------------------------------------------- the scene */

void create(void)
{
    IpcChannelConfiguration configuration =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);
    IpcChannelResult r;

    configuration.flags = mode;
    configuration.max_owners = OWNERS;
    r = ipc_channel_create(region, region_size, configuration);
    must(r.ipc_status == IPC_OK);
    ipc_channel_destroy(r.result);
}

static uint64_t *control_words(void)
{
    return (uint64_t *)(void *)((unsigned char *)region +
                                (sizeof *region +
                                 OWNERS * sizeof(struct shm_owner) + 63) /
                                    64 * 64);
}

/* The empty ring as it is after so many laps, at that block. */
static void set_position(uint32_t block)
{
    uint64_t position = lap << 3 | block; /* 8 blocks */

    region->identity.creation = 1; /* offsets count from lap 1 */
    region->tail.position = position;
    region->head.position = position;
    for (uint32_t i = 0; i < BLOCKS; i++)
        control_words()[i] = control_make((uint32_t)(i < block ? lap : lap - 1),
                                          64, CONTROL_READY);
}

void in_child(void (*what)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        what();
        _exit(0);
    }
    must(waitpid(pid, &status, 0) == pid && status == 0);
}

static void write_three(void)
{
    IpcChannel *ch = join();

    for (uint32_t id = 0; id < 3; id++)
        must(write_one(ch, id, 40) == IPC_OK);
    ipc_channel_destroy(ch);
}

static void write_all_blocks(void)
{
    IpcChannel *ch = join();
    uint32_t id = 0;

    while (write_one(ch, id, 40) == IPC_OK)
        id++;
    must(id == BLOCKS);
    ipc_channel_destroy(ch);
}

static void die_as_producer(void)
{
    IpcChannel *ch = join();

    must(write_one(ch, 0, 40) == IPC_OK);
    _exit(0);
}

static void die_in_write(void)
{
    IpcChannel *ch = join();
    IpcReservation r;

    must(ipc_channel_reserve(ch, 100, &r).ipc_status == IPC_OK);
    /* The one producer cannot have two claims. */
    if (!(mode & IPC_BUFFER_ONE_PRODUCER))
        must(write_one(ch, 0, 40) == IPC_OK);
    _exit(0);
}

static void three_messages(void)
{
    in_child(write_three);
}

static void full_ring(void)
{
    in_child(write_all_blocks);
}

static void dead_producer(void)
{
    in_child(die_as_producer);
}

static void dead_claim(void)
{
    in_child(die_in_write);
}

static void near_the_end(void)
{
    set_position(6);
}

static void nothing(void)
{
}

/* ------------------------------------------------------------- operations */

static void do_write(IpcChannel *ch)
{
    write_one(ch, OF_VICTIM, 100);
}

static void do_write_long(IpcChannel *ch)
{
    write_one(ch, OF_VICTIM, 3 * 64);
}

static void do_commit(IpcChannel *ch)
{
    struct message m;
    IpcReservation r;

    fill(&m, OF_VICTIM, 40);
    if (ipc_channel_reserve(ch, 150, &r).ipc_status != IPC_OK)
        return;
    ledger->began[OF_VICTIM] = 1;
    memcpy(r.payload, &m, 40);
    if (ipc_channel_commit(ch, &r, 40).ipc_status == IPC_OK)
        ledger->written[OF_VICTIM] = 1;
}

static void do_abort(IpcChannel *ch)
{
    IpcReservation r;

    if (ipc_channel_reserve(ch, 150, &r).ipc_status == IPC_OK)
        ipc_channel_abort(ch, &r);
}

static void do_batch(IpcChannel *ch)
{
    struct message m[3];
    struct iovec entries[3];

    for (uint32_t i = 0; i < 3; i++) {
        fill(&m[i], OF_VICTIM + i, 30 + 40 * i);
        entries[i] = (struct iovec){&m[i], 30 + 40 * i};
        ledger->began[OF_VICTIM + i] = 1;
    }
    if (ipc_channel_write_batch(ch, entries, 3).result == 3)
        for (uint32_t i = 0; i < 3; i++)
            ledger->written[OF_VICTIM + i] = 1;
}

static void do_array(IpcChannel *ch)
{
    uint32_t items[10][2];

    for (uint32_t i = 0; i < 10; i++) {
        items[i][0] = OF_VICTIM + i;
        items[i][1] = ~items[i][0];
        ledger->began[OF_VICTIM + i] = 1;
    }
    if (ipc_channel_write_array(ch, items, sizeof items[0], 10).result == 10)
        for (uint32_t i = 0; i < 10; i++)
            ledger->written[OF_VICTIM + i] = 1;
}

static void do_write_blocking(IpcChannel *ch)
{
    struct message m;

    fill(&m, OF_VICTIM, 40);
    ledger->began[OF_VICTIM] = 1;
    if (ipc_channel_write_blocking(ch, &m, 40).ipc_status == IPC_OK)
        ledger->written[OF_VICTIM] = 1;
}

static void do_read(IpcChannel *ch)
{
    struct message m;
    IpcEntry entry = {0, &m, sizeof m};

    if (ipc_channel_try_read_into(ch, &entry).ipc_status == IPC_OK)
        note_read(&m, entry.size);
}

static void do_read_allocated(IpcChannel *ch)
{
    IpcEntry entry;

    if (ipc_channel_try_read(ch, &entry).ipc_status != IPC_OK)
        return;
    note_read(entry.payload, entry.size);
    free(entry.payload);
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

static void do_read_array(IpcChannel *ch)
{
    unsigned char items[3][40];
    IpcChannelReadBatchResult r =
        ipc_channel_try_read_array(ch, items, sizeof items[0], 3);

    for (size_t i = 0; r.ipc_status == IPC_OK && i < r.result; i++)
        note_read(items[i], sizeof items[i]);
}

static void do_read_blocking(IpcChannel *ch)
{
    read_one(ch, 3600 * 1000L);
}

static void do_peek_and_skip(IpcChannel *ch)
{
    unsigned char copy[64];
    IpcEntry entry;

    if (ipc_channel_peek(ch, &entry).ipc_status != IPC_OK)
        return;
    memcpy(copy, entry.payload, entry.size);
    if (ipc_channel_skip(ch, entry.offset).ipc_status == IPC_OK)
        note_read(copy, entry.size);
}

static void do_skip_force(IpcChannel *ch)
{
    if (ipc_channel_skip_force(ch).ipc_status == IPC_OK)
        ledger->seen[0]++; /* the first in the ring */
}

static void do_recover(IpcChannel *ch)
{
    ipc_channel_recover(ch, false);
}

static void do_close(IpcChannel *ch)
{
    ipc_channel_close(ch);
}

static void do_join(IpcChannel *ch)
{
    IpcChannel *second = join();

    (void)ch;
    write_one(second, OF_VICTIM, 40);
}

static void do_destroy(IpcChannel *ch)
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

const struct operation operations[] = {
    {"write", nothing, do_write, 0, ORDINARY},
    {"write-around-the-end", near_the_end, do_write_long, 0, ORDINARY},
    {"commit", nothing, do_commit, 0, ORDINARY},
    {"abort", nothing, do_abort, 0, ORDINARY},
    {"batch", nothing, do_batch, 0, ORDINARY},
    {"batch-around-the-end", near_the_end, do_batch, 0, ORDINARY},
    {"array", nothing, do_array, 0, ORDINARY},
    {"write-that-sleeps", full_ring, do_write_blocking, 0, ORDINARY},
    {"read", three_messages, do_read, 1, ORDINARY},
    {"read-allocated", three_messages, do_read_allocated, 1, ORDINARY},
    {"read-batch", three_messages, do_read_batch, 3, ORDINARY},
    {"read-array", three_messages, do_read_array, 3, ORDINARY},
    {"read-that-sleeps", nothing, do_read_blocking, 1, ORDINARY},
    {"peek-and-skip", three_messages, do_peek_and_skip, 1, ORDINARY},
    {"skip-force", three_messages, do_skip_force, 1, ORDINARY},
    {"take-the-role-over", dead_producer, do_write, 0, ORDINARY},
    {"recover", dead_claim, do_recover, 0, ORDINARY},
    {"read-past-a-dead-claim", dead_claim, do_read_blocking, 1, ORDINARY},
    {"join-and-write", nothing, do_join, 0, ORDINARY},
    {"destroy-with-a-reservation", three_messages, do_destroy, 0, ORDINARY},
    {"close", three_messages, do_close, 0, CLOSES},
    {"create", three_messages, do_create, 0, CREATES},
};

const size_t operation_count = sizeof operations / sizeof operations[0];

void set_scene(const struct operation *o)
{
    memset(region, 0, region_size);
    memset(ledger, 0, sizeof *ledger);
    create();
    set_position(0);
    o->before();
}
