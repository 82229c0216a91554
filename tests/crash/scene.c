/* SPDX-License-Identifier: MIT */
/* What is there before a victim acts: made by processes that left, or died. */
#include "crash.h"
#include "ring/control.h"
#include <shmipc/ipc_batch.h>
#include <string.h>

void create(void)
{
    IpcChannelConfiguration configuration =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);
    IpcChannelResult r;

    /* One of the modes, as it is for taps. */
    configuration.flags = mode == 3 ? mode | IPC_BUFFER_TAPS : mode;
    configuration.max_owners = OWNERS;
    configuration.max_subscribers = is_broadcast() ? SUBSCRIBERS : 0;
    r = ipc_channel_create(region, region_size, configuration);
    must(r.ipc_status == IPC_OK);
    ipc_channel_destroy(r.result);
}

bool is_broadcast(void)
{
    return mode & IPC_BUFFER_BROADCAST;
}

bool is_work(void)
{
    return mode & IPC_BUFFER_ACKNOWLEDGE;
}

/* 8 blocks, and the marks of cursors. */
uint32_t index_bits(void)
{
    return is_broadcast() ? 5 : 3;
}

size_t size_of_region(void)
{
    return sizeof *region + OWNERS * sizeof(struct shm_owner) +
           (is_broadcast() ? SUBSCRIBERS * sizeof(struct shm_subscriber) : 0) +
           BLOCKS * 8 * (is_work() ? 2u : 1u) + BLOCKS * 64;
}

struct shm_subscriber *subscriber_slot(uint32_t i)
{
    return (struct shm_subscriber *)(void *)&region->owners[OWNERS] + i;
}

/* The last words before the blocks. */
static uint64_t *last_words(void)
{
    return (uint64_t *)(void *)((unsigned char *)region + region_size -
                                BLOCKS * (SHMIPC_BLOCK + sizeof(uint64_t)));
}

uint64_t *control_words(void)
{
    return last_words() - (is_work() ? BLOCKS : 0);
}

uint64_t *holder_words(void)
{
    return last_words();
}

const unsigned char *block_at(uint32_t block)
{
    return (unsigned char *)region + region_size -
           (size_t)(BLOCKS - block) * SHMIPC_BLOCK;
}

/* The empty ring as it is after so many laps, at that block. */
static void set_position(uint32_t block)
{
    uint64_t position = lap << index_bits() | block;

    region->identity.creation = 1; /* offsets count from lap 1 */
    region->tail.position = position;
    if (region->tail.intended) /* of one that is for taps */
        region->tail.intended = position;
    region->head.position = position;
    for (uint32_t i = 0; i < BLOCKS; i++) {
        uint32_t tag = (uint32_t)(i < block ? lap : lap - 1);

        control_words()[i] = control_make(tag, 64, CONTROL_READY);
        if (is_work())
            holder_words()[i] = control_make(tag, 0, (enum control_state)DONE);
    }
}

static void write_three(void)
{
    IpcChannel *ch = join();

    for (uint32_t id = 0; id < 3; id++)
        must(write_one(ch, id, 40) == IPC_OK);
    ipc_channel_destroy(ch);
}

static void write_array_of_three(void)
{
    IpcChannel *ch = join();
    unsigned char items[3][40];
    struct message m;

    note_began(0, 3);
    for (uint32_t id = 0; id < 3; id++) {
        fill(&m, id, sizeof items[0]);
        memcpy(items[id], &m, sizeof items[0]);
    }
    must(ipc_channel_write_array(ch, items, sizeof items[0], 3).result == 3);
    note_written(0, 3, 3);
    ipc_channel_destroy(ch);
}

static void write_all_blocks(void)
{
    IpcChannel *ch = join();
    uint32_t id = 0;

    while (id < BLOCKS && write_one(ch, id, 40) == IPC_OK)
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

static void die_as_consumer(void)
{
    IpcChannel *ch = join();

    must(read_one(ch, 2000) == IPC_OK);
    _exit(0);
}

static void die_ahead(void)
{
    IpcChannel *ch = join();
    IpcEntry entry;

    for (int i = 0; i < 2; i++)
        must(ipc_channel_try_read_ahead(ch, &entry).ipc_status == IPC_OK);
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

void nothing(void)
{
}

void blank_memory(void)
{
    memset(region, 0, region_size);
}

void near_the_end(void)
{
    set_position(6);
}

/* Whoever joins without the eventfd says so, if nobody has before. */
void nobody_joined(void)
{
    region->readers.unsignalled = 0;
    region->writers.unsignalled = 0;
}

void three_messages(void)
{
    in_child(write_three);
}

void three_in_an_array(void)
{
    in_child(write_array_of_three);
}

void sleepers(void)
{
    in_child(write_three);
    region->readers.sleepers = 1;
    region->writers.sleepers = 1;
}

void full_ring(void)
{
    in_child(write_all_blocks);
}

void dead_producer(void)
{
    in_child(die_as_producer);
}

void dead_consumer(void)
{
    in_child(write_three);
    in_child(die_as_consumer);
}

void dead_ahead(void)
{
    in_child(write_three);
    in_child(die_ahead);
}

void dead_claim(void)
{
    in_child(die_in_write);
}

/* Its owner is of another pid namespace. */
void unknown_claim(void)
{
    in_child(die_in_write);
    region->owners[0].identity ^= 2;
}

void half_closed(void)
{
    in_child(write_three);
    if (mode & IPC_BUFFER_ONE_PRODUCER)
        region->tail.closed = 1;
    else
        region->tail.position |= SHMIPC_TAIL_CLOSED;
}

void behind_tail(void)
{
    uint64_t tail = region->tail.position;

    in_child(die_as_producer);
    region->tail.position = tail;
}

IpcChannel *witness;

void set_scene(const struct operation *o)
{
    /* First, while what it joined is there. */
    if (witness)
        ipc_channel_destroy(witness);
    witness = NULL;
    memset(region, 0, region_size);
    memset(ledger, 0, sizeof *ledger);
    create();
    set_position(0);
    if (is_broadcast())
        begin_bystander(o->kind == EVICTS);
    o->before();
    if (o->kind == CREATES && region->identity.ready == SHMIPC_READY)
        witness = join();
}
