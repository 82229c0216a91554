/* SPDX-License-Identifier: MIT */
/*
 * What to tell a caller whose arguments cannot be: which of them it is, and
 * what to do. Asked only when a call has said IPC_ERR_INVALID_ARGUMENT; so the
 * last text of each function is for what the others do not explain. `handle` is
 * that of a buffer or of a channel.
 */
#ifndef SHMIPC_BLAME_H
#define SHMIPC_BLAME_H

#include <shmipc/ipc_buffer.h>
#include <time.h>

/* The detail of a call that can say more than that its arguments are wrong. */
#define BLAME(status, blame, detail)                                           \
    ((status) == IPC_ERR_INVALID_ARGUMENT ? (blame) : (detail))

const char *blame_handle(void);
const char *blame_write(const void *handle, const void *data);
const char *blame_pieces(const void *handle, const struct iovec *pieces,
                         int count);
const char *blame_reserve(const void *handle, const IpcReservation *dest);
const char *blame_write_batch(const void *handle, const struct iovec *entries,
                              int count);
const char *blame_array(const void *handle, const void *data, size_t size);
const char *blame_dest(const void *handle);
const char *blame_read_into(const void *handle, const IpcEntry *dest);
const char *blame_read_batch(const void *handle, const IpcEntry *entries,
                             const void *memory);
const char *blame_skip(const void *handle);
const char *blame_read_ahead(const void *handle);
const char *blame_stats(const void *handle);
const char *blame_owners(const void *handle);

/* NULL if the timeout is not what is wrong. */
const char *blame_timeout(const struct timespec *timeout);

#endif
