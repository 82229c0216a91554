/* SPDX-License-Identifier: MIT */
/*
 * Which engine carries a route, by its address.
 */
#ifndef SHMIPC_BRIDGE_CARRIER_H
#define SHMIPC_BRIDGE_CARRIER_H

#include "bridge/route.h"

/* Opens the connection of a route; it lies in route->transport. False, after a
 * complaint. */
bool carrier_open(struct route *route);
void carrier_close(struct route *route);

#endif
