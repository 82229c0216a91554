/* SPDX-License-Identifier: MIT */
/*
 * From a name to mapped memory: what ipc_channel_open and ipc_buffer_open have
 * in common.
 *
 * The lock is flock() on the file, of an open file description of the handle's
 * own. The kernel takes it back when the last process with that description, or
 * with a mapping made by it, is gone, whatever ended it.
 *
 *     shared       a handle by name is open: held as long as it lives
 *     exclusive    somebody formats, replaces or removes; no handle by name is
 *                  open then
 *
 * Nobody waits in flock() itself, since a deadline could not end that. Whoever
 * gets a lock looks whether the file still has a name (st_nlink): if not it was
 * removed meanwhile, and he begins again. To go from exclusive to shared is no
 * atomic step: so he looks again then, too. Nothing that was formatted can have
 * been used by others before he has his shared lock, or they had it first.
 */
#ifndef SHMIPC_PLACE_H
#define SHMIPC_PLACE_H

#include "place/file.h"

/* What the user makes of the memory. Both leave nothing behind on an error, but
 * for what is in the memory. */
struct place_use {
    IpcStatus (*create)(void *user, void *memory, size_t size, int fd,
                        bool is_zero, const char **detail);
    IpcStatus (*join)(void *user, void *memory, size_t size, int fd,
                      const char **detail);
    /* Takes back what the former did. */
    void (*leave)(void *user);
    void *user;
    uint64_t size; /* bytes of memory for what is created */
};

/* On an error nothing is left. */
IpcStatus place_open(const char *name, const IpcOpenOptions *options,
                     const struct place_use *use, struct place **place,
                     IpcOpenError *body, const char **detail);

/* NULL is fine. Nothing may use the memory any more. */
void place_leave(struct place *place);

/* Removes the name of a segment. */
IpcStatus place_unlink(const char *name, IpcOpenError *body,
                       const char **detail);

#endif
