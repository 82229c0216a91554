/* SPDX-License-Identifier: MIT */
/*
 * Writing through a channel: the buffer's writes, which wait for space as the
 * block says and wake readers.
 */
#ifndef SHMIPC_SEND_H
#define SHMIPC_SEND_H

#include "channel/block.h"

IpcStatus send_entry(struct block *b, const void *data, size_t size);
IpcStatus send_pieces(struct block *b, const struct iovec *pieces, int count,
                      size_t *size);
IpcStatus send_reserve(struct block *b, size_t size, IpcReservation *dest);
IpcStatus send_batch(struct block *b, const struct iovec *entries, int count,
                     size_t *written, size_t *size);
IpcStatus send_array(struct block *b, const void *data, size_t size, int count,
                     size_t *written);

/* These never wait. */
IpcStatus send_commit(struct IpcChannel *ch, const IpcReservation *reservation,
                      size_t size);
IpcStatus send_abort(struct IpcChannel *ch, const IpcReservation *reservation);

#endif
