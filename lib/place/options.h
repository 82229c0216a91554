/* SPDX-License-Identifier: MIT */
/*
 * What a name and its options can be.
 */
#ifndef SHMIPC_OPTIONS_H
#define SHMIPC_OPTIONS_H

#include <shmipc/ipc_open.h>

/* Checked and filled up with the defaults; NULL can be meant so. *value is that
 * of the member that *detail speaks of. */
IpcStatus options_check_name(const char *name, uint32_t flags,
                             const char **detail);
IpcStatus options_take(const IpcOpenOptions *from, IpcOpenOptions *to,
                       const char **detail, int64_t *value);

/* Bytes of data; SIZE_MAX for what this process cannot have. */
size_t options_capacity(const IpcOpenOptions *options);

#endif
