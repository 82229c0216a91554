/* SPDX-License-Identifier: MIT */
/*
 * Messages on their way into a channel: collected into batches, waiting for
 * space or dropped where there is none, and counted.
 */
#ifndef SHMIPC_TOOLS_TRANSMIT_H
#define SHMIPC_TOOLS_TRANSMIT_H

#include "progress.h"
#include <shmipc/ipc_channel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { TRANSMIT_BATCH = 512 };

/* What the functions return beside COMMAND_OK, which says to go on, and the
 * other codes of command.h, which come after a complaint. */
enum transmit_end {
    TRANSMIT_STOPPED = -1, /* by a signal */
    TRANSMIT_ENOUGH = -2,  /* as many messages as were wanted */
    TRANSMIT_FULL = -3,    /* transmit_reserve() alone: to be dropped */
};

struct transmit {
    IpcChannel *channel;
    const char *name;
    bool drop;
    uint64_t timeout_ns; /* of one wait for space; UINT64_MAX: for ever */
    uint64_t wanted;     /* messages; UINT64_MAX: all */
    uint64_t sent, dropped, bytes;
    struct progress progress;
    struct iovec batch[TRANSMIT_BATCH];
    int collected;
};

/* Takes a message, whose bytes have to stay where they are until the next
 * transmit_flush(). */
int transmit_add(struct transmit *t, const void *data, size_t size);
/* Sends what was collected. */
int transmit_flush(struct transmit *t);
/* Space for a message of up to `size` bytes, to be given to one of the next
 * two; nothing may be collected. */
int transmit_reserve(struct transmit *t, size_t size, IpcReservation *r);
int transmit_commit(struct transmit *t, const IpcReservation *r, size_t size);
void transmit_abort(struct transmit *t, const IpcReservation *r);
/* A message that could not be sent, which its sender keeps no longer. */
int transmit_count_dropped(struct transmit *t);

#endif
