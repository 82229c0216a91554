/* SPDX-License-Identifier: MIT */
/*
 * What opening a buffer and opening a channel by name have in common.
 */
#ifndef SHMIPC_OPEN_BUFFER_H
#define SHMIPC_OPEN_BUFFER_H

#include <shmipc/ipc_open.h>

/* The buffer that a configuration means, in the file of a descriptor. */
IpcBufferOptions open_buffer_options(const IpcChannelConfiguration *c, int fd);

/* Checks what a caller gave, but for what concerns channels alone; *taken is
 * that, filled up with the defaults. *value is for the error's body. */
IpcStatus open_buffer_check(const char *name, const IpcOpenOptions *options,
                            IpcOpenOptions *taken, const char **detail,
                            int64_t *value);

/* Bytes of memory for what options ask for; UINT64_MAX: it cannot be had. */
uint64_t open_buffer_size(const IpcOpenOptions *taken);

#endif
