/* SPDX-License-Identifier: MIT */
/*
 * The far side of a service: calls it here, as a client, for those who ask over
 * the network, and sends the answers back.
 */
#ifndef SHMIPC_BRIDGE_CLERK_H
#define SHMIPC_BRIDGE_CLERK_H

#include "bridge/route.h"

void clerk_run(struct route *route);

#endif
