/* SPDX-License-Identifier: MIT */
/*
 * Who formats memory that he did not open by its name, while others may be
 * about to do the same by its name: the lock of place.h is taken for as long as
 * that lasts, where the memory's file is known.
 */
#ifndef SHMIPC_MAKER_H
#define SHMIPC_MAKER_H

#include <shmipc/ipc_buffer_types.h>
#include <stdbool.h>

/* IPC_OK: *lock is to be given to maker_end(); -1 where there is no file or no
 * lock to be had. IPC_ERR_IN_USE: a handle by name is open, or being made. With
 * IPC_BUFFER_RECREATE only the latter counts. */
IpcStatus maker_begin(const void *memory, const IpcBufferOptions *options,
                      int *lock, const char **detail);
void maker_end(int lock);

/* Whether the file of that lock has nothing but zeros, because no page of it
 * was ever stored to: the kernel says that it is all hole, reserved or not.
 * -1 for the lock: that is not known. */
bool maker_finds_zeros(int lock);

#endif
