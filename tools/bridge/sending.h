/* SPDX-License-Identifier: MIT */
/*
 * What the near side sends: entries that it reads ahead, in batches, and large
 * ones in parts.
 */
#ifndef SHMIPC_BRIDGE_SENDING_H
#define SHMIPC_BRIDGE_SENDING_H

#include "bridge/session.h"

/* Reads what is to be sent next, waiting for the first entry for at most
 * `wait_ns` nanoseconds. INTAKE_ENTRY: there is something. */
enum intake_result sending_fill(struct near *n, uint64_t wait_ns);

/* Sends that. */
void sending_send(struct near *n);

#endif
