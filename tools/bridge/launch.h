/* SPDX-License-Identifier: MIT */
/*
 * Starting a route: its connection, and its thread.
 */
#ifndef SHMIPC_BRIDGE_LAUNCH_H
#define SHMIPC_BRIDGE_LAUNCH_H

#include "bridge/route.h"

/* False, after a complaint. */
bool launch_route(struct route *route);

#endif
