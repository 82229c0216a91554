/* SPDX-License-Identifier: MIT */
/*
 * Subscribers for whom writers do not wait. They keep an account: each entry is
 * where the last one ended, or as many bytes behind it as they were told that
 * they lost.
 */
#include "crash.h"
#include <shmipc/ipc_newest.h>
#include <shmipc/ipc_subscribe.h>
#include <string.h>

enum {
    WRITTEN_MORE = 3, /* where the ring is full, so that one is evicted */
    VAIN_MAX = 1000,  /* looks while another moves the gate */
};

static uint64_t next; /* where the next entry is */

/* Where one stands who has just subscribed, and has the last slot. */
static uint64_t offset_of_subscriber(IpcChannel *ch)
{
    IpcSubscriber list[SUBSCRIBERS] = {{.struct_size = sizeof list[0]}};
    size_t count = ipc_channel_subscribers(ch, list, SUBSCRIBERS).result;

    for (size_t i = 0; i < count; i++)
        if (list[i].pid == getpid())
            return list[i].offset;
    must(false);
    return 0;
}

void subscribe_to_lag(IpcChannel *ch, uint32_t from, uint32_t after_gap)
{
    const IpcSubscription how = {.struct_size = sizeof how,
                                 .policy = IPC_SUBSCRIBER_LAGS,
                                 .from = from,
                                 .after_gap = after_gap};

    must(ipc_channel_subscribe(ch, &how).ipc_status == IPC_OK);
    next = offset_of_subscriber(ch);
}

bool kind_lags(enum kind kind)
{
    return kind >= LAGS_TO_OLDEST && kind <= EVICTED_TO_NEWEST;
}

void subscribe_as(IpcChannel *ch, enum kind kind)
{
    if (kind == READS)
        subscribe(ch, IPC_SUBSCRIBE_FROM_OLDEST);
    else
        subscribe_to_lag(ch, IPC_SUBSCRIBE_FROM_OLDEST,
                         kind == LAGS_TO_NEWEST || kind == EVICTED_TO_NEWEST
                             ? IPC_SUBSCRIBE_FROM_NOW
                             : IPC_SUBSCRIBE_FROM_OLDEST);
}

static void write_some_more(void)
{
    IpcChannel *ch = join();

    for (uint32_t id = BLOCKS; id < BLOCKS + WRITTEN_MORE; id++)
        must(write_one(ch, id, 40) == IPC_OK);
    ipc_channel_destroy(ch);
}

void evict(void)
{
    in_child(write_some_more);
}

/* ------------------------------------------------------------- the account */

/* How far behind its place an entry is: filler, which a dead writer left. */
static uint64_t filler;

static void account_for(const IpcEntry *entry)
{
    must(entry->offset >= next && entry->offset % SHMIPC_BLOCK == 0);
    filler += entry->offset - next;
    next = entry->offset +
           (entry->size + SHMIPC_BLOCK - 1) / SHMIPC_BLOCK * SHMIPC_BLOCK;
}

static uint64_t account_for_gap(uint64_t lost)
{
    must(lost > 0 && lost % SHMIPC_BLOCK == 0);
    next += lost;
    return lost;
}

uint64_t filler_passed(void)
{
    return filler;
}

IpcStatus read_or_be_told(IpcChannel *ch, uint64_t *lost)
{
    const struct timespec timeout = {0, 100 * 1000 * 1000};
    struct message m;
    IpcEntry entry = {0, &m, sizeof m};
    IpcChannelReadWithTimeoutResult r =
        ipc_channel_read_into_with_timeout(ch, &entry, &timeout);

    if (r.ipc_status == IPC_ERR_LAGGED)
        *lost += account_for_gap(r.error.body.lost);
    if (r.ipc_status != IPC_OK)
        return r.ipc_status;
    account_for(&entry);
    note_read(&m, entry.size);
    return IPC_OK;
}

/* ----------------------------------------------------------------- victims */

static IpcStatus try_to_read(IpcChannel *ch)
{
    struct message m;
    IpcEntry entry = {0, &m, sizeof m};
    IpcChannelTryReadResult r = ipc_channel_try_read_into(ch, &entry);

    if (r.ipc_status == IPC_ERR_LAGGED)
        account_for_gap(r.error.body.lost);
    if (r.ipc_status != IPC_OK)
        return r.ipc_status;
    account_for(&entry);
    note_read(&m, entry.size);
    return IPC_OK;
}

/* To the end, whatever it misses. */
void do_read_with_gaps(IpcChannel *ch)
{
    IpcStatus status;

    do
        status = try_to_read(ch);
    while (status == IPC_OK || status == IPC_ERR_LAGGED);
    must(status == IPC_EMPTY);
    must(filler == 0);
}

void do_unsubscribe(IpcChannel *ch)
{
    must(ipc_channel_unsubscribe(ch).ipc_status == IPC_OK);
}

/* What others do meanwhile is not to be seen in what is pinned. */
void do_pin_with_gaps(IpcChannel *ch)
{
    struct message copy;
    IpcEntry pinned;
    IpcChannelNewestResult r;

    do {
        r = ipc_channel_pin(ch, &pinned);
        if (r.ipc_status == IPC_ERR_LAGGED)
            account_for_gap(r.error.body.lost);
    } while (r.ipc_status == IPC_ERR_LAGGED);
    if (r.ipc_status == IPC_EMPTY)
        return;
    must(r.ipc_status == IPC_OK);
    account_for(&pinned);
    note_read(pinned.payload, pinned.size);
    memcpy(&copy, pinned.payload, pinned.size);
    must(ipc_channel_unpin(ch, pinned.offset).ipc_status == IPC_OK);
    must(copy.check == ~copy.id && filler == 0);
}
