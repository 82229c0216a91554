/* SPDX-License-Identifier: MIT */
/*
 * The near side: reads ahead, sends, and releases what was acknowledged.
 *
 * A session begins with HELLO; the far side's WELCOME says which entry it has
 * last, and the near side goes on behind that. Whatever goes wrong, the answer
 * is the same: another session, and all that was not acknowledged is sent
 * again. So nothing is known about connections, and nothing needs to be.
 */
#ifndef SHMIPC_BRIDGE_NEAR_H
#define SHMIPC_BRIDGE_NEAR_H

#include "bridge/route.h"

/* Runs until the route is asked to stop; then sends what is there already, as
 * far as that goes in the route's time. */
void near_run(struct route *route);

#endif
