/* SPDX-License-Identifier: MIT */
/*
 * What the options of a buffer mean, and whether they can be meant so.
 */
#ifndef SHMIPC_HANDLE_OPTIONS_H
#define SHMIPC_HANDLE_OPTIONS_H

#include <shmipc/ipc_buffer.h>

/* Whether options can be meant so; NULL can. If not, *detail says which member
 * is wrong, and *value is what it has. */
bool handle_options_are_known(const IpcBufferOptions *options,
                              const char **detail, int64_t *value);

/* The flags that the region is to have. */
uint32_t handle_options_modes(uint32_t flags);

/* How many slots for subscribers are asked for, or FORMAT_SOME_SUBSCRIBERS. */
uint32_t handle_options_subscribers(const IpcBufferOptions *options);

static inline bool handle_options_have_file(const IpcBufferOptions *options)
{
    return options && options->flags & IPC_BUFFER_HAS_MEMORY_FD;
}

#endif
