/* SPDX-License-Identifier: MIT */
/*
 * What victims do in a work queue: entries are held from when they are read
 * until they are acknowledged, in any order. Of those that one holds who is
 * killed each is had by another, once; of those that one holds who is stopped,
 * none is.
 */
#include "crash.h"
#include <shmipc/ipc_acknowledge.h>
#include <string.h>

enum { TAKEN = 2 };

struct taken {
    struct message copy;
    size_t size;
    uint64_t offset;
};

/* True: so many are held now. False: others have had them meanwhile. */
static bool take(IpcChannel *ch, struct taken *taken)
{
    for (int i = 0; i < TAKEN; i++) {
        IpcEntry entry;

        if (ipc_channel_try_read_ahead(ch, &entry).ipc_status != IPC_OK) {
            while (--i >= 0)
                IPC_IGNORE(ipc_channel_give_back(ch, taken[i].offset));
            return false;
        }
        memcpy(&taken[i].copy, entry.payload, entry.size);
        taken[i].size = entry.size;
        taken[i].offset = entry.offset;
    }
    return true;
}

static void acknowledge(IpcChannel *ch, const struct taken *one)
{
    must(ipc_channel_acknowledge(ch, one->offset).ipc_status == IPC_OK);
    note_read(&one->copy, one->size);
}

static void do_take_one(IpcChannel *ch)
{
    try_read_one(ch);
}

static void do_acknowledge_in_order(IpcChannel *ch)
{
    struct taken taken[TAKEN];

    if (!take(ch, taken))
        return;
    acknowledge(ch, &taken[0]);
    acknowledge(ch, &taken[1]);
}

/* The first one holds up the space of both. */
static void do_acknowledge_backwards(IpcChannel *ch)
{
    struct taken taken[TAKEN];

    if (!take(ch, taken))
        return;
    acknowledge(ch, &taken[1]);
    acknowledge(ch, &taken[0]);
}

static void do_give_one_back(IpcChannel *ch)
{
    struct taken taken[TAKEN];

    if (!take(ch, taken))
        return;
    must(ipc_channel_give_back(ch, taken[0].offset).ipc_status == IPC_OK);
    acknowledge(ch, &taken[1]);
}

static void do_go_with_two(IpcChannel *ch)
{
    struct taken taken[TAKEN];

    if (!take(ch, taken))
        return;
    ipc_channel_destroy(ch);
}

static void do_recover(IpcChannel *ch)
{
    must(ipc_channel_recover(ch, false).ipc_status == IPC_OK);
}

static void do_recover_and_take(IpcChannel *ch)
{
    do_recover(ch);
    do_acknowledge_in_order(ch);
}

static void do_take_waiting(IpcChannel *ch)
{
    read_one(ch, 3600 * 1000L);
}

static void do_skip(IpcChannel *ch)
{
    uint32_t id;

    memcpy(&id, block_at(0), sizeof id);
    if (ipc_channel_skip_force(ch).ipc_status == IPC_OK)
        ledger->seen[id]++;
}

static void do_write(IpcChannel *ch)
{
    write_one(ch, OF_VICTIM, 100);
}

static void do_close(IpcChannel *ch)
{
    ipc_channel_close(ch);
}

static void one_more(void)
{
    IpcChannel *ch = join();

    must(write_one(ch, OF_OTHERS - 1, 40) == IPC_OK);
    ipc_channel_destroy(ch);
}

enum { BOTH = 3 };

/* clang-format off */
const struct operation operations_of_work[] = {
    {"take-one", three_messages, do_take_one, NULL, 1, ORDINARY, BOTH},
    {"acknowledge-in-order", three_messages, do_acknowledge_in_order, NULL, 1,
     ORDINARY, BOTH},
    {"acknowledge-backwards", sleepers, do_acknowledge_backwards, NULL, 1,
     ORDINARY, BOTH},
    {"give-one-back", sleepers, do_give_one_back, NULL, 1, ORDINARY, BOTH},
    {"go-with-two", three_messages, do_go_with_two, NULL, 0, ORDINARY, BOTH},
    {"take-that-sleeps", nothing, do_take_waiting, one_more, 1, ORDINARY, BOTH},
    {"give-back-what-a-dead-one-held", dead_ahead, do_recover, NULL, 0,
     ORDINARY, BOTH},
    {"take-what-a-dead-one-held", dead_ahead, do_recover_and_take, NULL, 1,
     ORDINARY, BOTH},
    {"skip-an-entry-by-force", three_messages, do_skip, NULL, 1, ORDINARY,
     BOTH},
    {"write-work", dead_ahead, do_write, NULL, 0, ORDINARY, BOTH},
    {"close-with-work", three_messages, do_close, NULL, 0, CLOSES, BOTH},
};
/* clang-format on */

const size_t operation_of_work_count =
    sizeof operations_of_work / sizeof operations_of_work[0];
