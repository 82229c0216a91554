/* SPDX-License-Identifier: MIT */
#include "transmit.h"
#include "command.h"
#include "stop.h"
#include <shmipc/ipc_batch.h>
#include <string.h>

/* So often a wait looks whether it is to stop. */
enum { LOOK_EVERY_NS = 100 * 1000 * 1000 };

static int count_sent(struct transmit *t, uint64_t messages, uint64_t bytes)
{
    t->sent += messages;
    t->bytes += bytes;
    progress_tell(&t->progress, "sent", t->sent, t->bytes);
    return t->sent + t->dropped >= t->wanted ? TRANSMIT_ENOUGH : COMMAND_OK;
}

int transmit_count_dropped(struct transmit *t)
{
    t->dropped++;
    progress_tell(&t->progress, "sent", t->sent, t->bytes);
    return t->sent + t->dropped >= t->wanted ? TRANSMIT_ENOUGH : COMMAND_OK;
}

/* Why a write failed for good. */
static int give_up(const struct transmit *t, IpcStatus status,
                   const char *detail)
{
    switch (status) {
    case IPC_ERR_CLOSED:
        command_complain("%s was closed; %llu messages were sent before",
                         t->name, (unsigned long long)t->sent);
        return COMMAND_CLOSED;
    case IPC_ERR_ROLE_TAKEN:
    case IPC_ERR_OWNERS_FULL:
        command_complain("%s: %s", t->name, detail);
        return COMMAND_REFUSED;
    default:
        command_complain("%s: %s (%s)", t->name, detail,
                         ipc_status_name(status));
        return COMMAND_FAILED;
    }
}

static bool is_no_space(IpcStatus status)
{
    return status == IPC_ERR_NO_SPACE_CONTIGUOUS || status == IPC_ERR_LOCKED ||
           status == IPC_ERR_TIMEOUT || status == IPC_ERR_INTERRUPTED;
}

/* ------------------------------------------------------------- waiting */

struct wait {
    uint64_t began;
    struct timespec slice;
};

static struct wait wait_begin(void)
{
    return (struct wait){.began = progress_now()};
}

/* COMMAND_OK: wait for wait->slice. */
static int wait_again(struct transmit *t, struct wait *wait)
{
    uint64_t waited = progress_now() - wait->began;
    uint64_t left = waited < t->timeout_ns ? t->timeout_ns - waited : 0;

    progress_tell(&t->progress, "sent", t->sent, t->bytes);
    if (stop_asked())
        return TRANSMIT_STOPPED;
    if (left == 0) {
        command_complain("%s: no space in time; %llu messages were sent before",
                         t->name, (unsigned long long)t->sent);
        return COMMAND_TIMEOUT;
    }
    wait->slice.tv_nsec = left < LOOK_EVERY_NS ? (long)left : LOOK_EVERY_NS;
    return COMMAND_OK;
}

static int wait_and_write(struct transmit *t, const struct iovec *message)
{
    struct wait wait = wait_begin();
    IpcChannelWriteResult r;

    do {
        int code = wait_again(t, &wait);

        if (code != COMMAND_OK)
            return code;
        r = ipc_channel_write_with_timeout(t->channel, message->iov_base,
                                           message->iov_len, &wait.slice);
    } while (is_no_space(r.ipc_status));
    return r.ipc_status == IPC_OK ? count_sent(t, 1, message->iov_len)
                                  : give_up(t, r.ipc_status, r.error.detail);
}

/* ------------------------------------------------------------ batches */

/* Sends the first of `count` messages, and as many more as there is space for;
 * *done of them are sent or dropped. */
static int send_some(struct transmit *t, const struct iovec *messages,
                     int count, int *done)
{
    IpcChannelWriteBatchResult r =
        ipc_channel_write_batch(t->channel, messages, count);
    uint64_t bytes = 0;
    int code;

    *done = 0;
    if (r.ipc_status == IPC_OK) {
        *done = (int)r.result;
        for (int i = 0; i < *done; i++)
            bytes += messages[i].iov_len;
        return count_sent(t, r.result, bytes);
    }
    if (!is_no_space(r.ipc_status))
        return give_up(t, r.ipc_status, r.error.detail);
    /* That one is not told for sure to be in the way of others only. */
    if (t->drop && r.ipc_status == IPC_ERR_LOCKED)
        return stop_asked() ? TRANSMIT_STOPPED : COMMAND_OK;
    code = t->drop ? transmit_count_dropped(t) : wait_and_write(t, messages);
    *done = code == COMMAND_OK || code == TRANSMIT_ENOUGH;
    return code;
}

int transmit_flush(struct transmit *t)
{
    int at = 0, done, code = COMMAND_OK;

    while (code == COMMAND_OK && at < t->collected) {
        code = send_some(t, t->batch + at, t->collected - at, &done);
        at += done;
    }
    memmove(t->batch, t->batch + at,
            (size_t)(t->collected - at) * sizeof t->batch[0]);
    t->collected -= at;
    return code;
}

int transmit_add(struct transmit *t, const void *data, size_t size)
{
    /* It is not stored there. */
    t->batch[t->collected++] = (struct iovec){(void *)(uintptr_t)data, size};
    if (t->collected == TRANSMIT_BATCH ||
        t->sent + t->dropped + (uint64_t)t->collected >= t->wanted)
        return transmit_flush(t);
    return COMMAND_OK;
}

/* ----------------------------------------------------------- in place */

int transmit_reserve(struct transmit *t, size_t size, IpcReservation *r)
{
    IpcChannelReserveResult got = ipc_channel_reserve(t->channel, size, r);
    struct wait wait;

    if (t->drop && got.ipc_status == IPC_ERR_NO_SPACE_CONTIGUOUS)
        return TRANSMIT_FULL;
    for (wait = wait_begin(); is_no_space(got.ipc_status);) {
        int code = wait_again(t, &wait);

        if (code != COMMAND_OK)
            return code;
        got =
            ipc_channel_reserve_with_timeout(t->channel, size, r, &wait.slice);
    }
    return got.ipc_status == IPC_OK
               ? COMMAND_OK
               : give_up(t, got.ipc_status, got.error.detail);
}

int transmit_commit(struct transmit *t, const IpcReservation *r, size_t size)
{
    IpcChannelCommitResult done = ipc_channel_commit(t->channel, r, size);

    return done.ipc_status == IPC_OK
               ? count_sent(t, 1, size)
               : give_up(t, done.ipc_status, done.error.detail);
}

void transmit_abort(struct transmit *t, const IpcReservation *r)
{
    /* It fails for none but a reservation that is not open. */
    (void)ipc_channel_abort(t->channel, r);
}
