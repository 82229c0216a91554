/* SPDX-License-Identifier: MIT */
/*
 * The far side: takes the next entry of each stream, and no other, notes and
 * commits it, and acknowledges. What was there already is left out; where one
 * is missing it asks for another session.
 */
#ifndef SHMIPC_BRIDGE_FAR_H
#define SHMIPC_BRIDGE_FAR_H

#include "bridge/route.h"

/* Runs until the route is asked to stop. */
void far_run(struct route *route);

#endif
