/* SPDX-License-Identifier: MIT */
/*
 * A channel's handle, and its work without result structs.
 */
#ifndef SHMIPC_CHANNEL_H
#define SHMIPC_CHANNEL_H

#include "buffer.h"
#include "wait.h"
#include <shmipc/ipc_channel.h>

struct IpcChannel {
    struct IpcBuffer buffer;
    const struct wait_backend *backend;
    int64_t start_sleep; /* ns */
    int64_t max_sleep;   /* ns */
    uint32_t max_round_trips;
    atomic_u32 stuck_answers;
};

/* What a read wants, and what it found out for an error body. */
struct request {
    enum { REQUEST_ALLOCATE, REQUEST_INTO, REQUEST_PEEK } kind;
    IpcEntry *dest;
    uint64_t offset;
    size_t needed;
};

/* Takes the configuration over; NULL, or what is wrong with it. */
const char *channel_configure(struct IpcChannel *ch,
                              const IpcChannelConfiguration *configuration);

IpcStatus channel_write(struct IpcChannel *ch, const void *data, size_t size);
IpcStatus channel_writev(struct IpcChannel *ch, const struct iovec *pieces,
                         int count, size_t *size);
IpcStatus channel_reserve(struct IpcChannel *ch, size_t size,
                          IpcReservation *dest);
IpcStatus channel_commit(struct IpcChannel *ch,
                         const IpcReservation *reservation, size_t size);
IpcStatus channel_abort(struct IpcChannel *ch,
                        const IpcReservation *reservation);

IpcStatus channel_try(struct IpcChannel *ch, struct request *q);
IpcStatus channel_read_rounds(struct IpcChannel *ch, struct request *q);
IpcStatus channel_read_until(struct IpcChannel *ch, struct request *q,
                             const struct timespec *timeout);

#endif
