/* SPDX-License-Identifier: MIT */
/*
 * From a name to memory that can be read and no more.
 */
#ifndef SHMIPC_SOURCE_H
#define SHMIPC_SOURCE_H

#include <shmipc/ipc_open.h>

/* Maps what a name stands for. `flags` are of IPC_OPEN_*. On an error nothing
 * is left. */
IpcStatus source_map(const char *name, uint32_t flags, void **memory,
                     size_t *size, IpcOpenError *body, const char **detail);
void source_unmap(void *memory, size_t size);

#endif
