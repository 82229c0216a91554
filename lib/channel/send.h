/* SPDX-License-Identifier: MIT */
/*
 * Writing through a channel: the buffer's writes, which wait for space as the
 * block says and wake readers.
 */
#ifndef SHMIPC_SEND_H
#define SHMIPC_SEND_H

#include "channel/block.h"

/* After one try of a call that writes: wakes readers if they have something to
 * look at, and returns `status`. A write without space may have left filler
 * that a reader has to pass; who moved nothing wakes nobody, as with reads.
 * Where head is moved by CAS filler is space for writers, who are woken too. */
IpcStatus send_tell(const struct block *b, IpcStatus status);

IpcStatus send_entry(struct block *b, const void *data, size_t size);

/* These never wait. */
IpcStatus send_commit(struct IpcChannel *ch, const IpcReservation *reservation,
                      size_t size);
IpcStatus send_abort(struct IpcChannel *ch, const IpcReservation *reservation);

#endif
