/* SPDX-License-Identifier: MIT */
/*
 * The descriptor that event loops wait on.
 */
#ifndef SHMIPC_POLL_H
#define SHMIPC_POLL_H

#include "channel/channel.h"

/* The handle's descriptor. On an error *detail says what to do. */
IpcStatus poll_descriptor(struct IpcChannel *ch, int *fd, const char **detail);

#endif
