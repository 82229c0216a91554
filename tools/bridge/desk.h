/* SPDX-License-Identifier: MIT */
/*
 * The near side of a service that is on another machine: serves by its name
 * here, and sends what is asked on. A call is sent once, while there is a
 * session; it is answered, refused if the connection breaks or nobody serves
 * over there, or its deadline passes.
 */
#ifndef SHMIPC_BRIDGE_DESK_H
#define SHMIPC_BRIDGE_DESK_H

#include "bridge/route.h"

void desk_run(struct route *route);

#endif
