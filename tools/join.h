/* SPDX-License-Identifier: MIT */
/*
 * Opening the channel that a command line names, and telling why that failed.
 */
#ifndef SHMIPC_TOOLS_JOIN_H
#define SHMIPC_TOOLS_JOIN_H

#include <shmipc/ipc_open.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct join {
    IpcChannel *channel;
    uint64_t largest; /* message, bytes */
    bool one_producer, one_consumer, broadcast;
    /* What the name led to. */
    dev_t device;
    ino_t inode;
};

/* The defaults, for join_open(). */
IpcOpenOptions join_defaults(void);
/* ipc_channel_open(), but that a name with a slash that is not in front is a
 * path. */
IpcChannelOpenResult join_try(const char *name, const IpcOpenOptions *options);
/* COMMAND_OK, or another code after a complaint; `join` is as it was then. */
int join_open(struct join *join, const char *name,
              const IpcOpenOptions *options);
void join_leave(struct join *join);
/* Whether the name leads to another channel by now. */
bool join_is_outdated(const struct join *join, const char *name);

#endif
