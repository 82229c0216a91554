/* SPDX-License-Identifier: MIT */
/*
 * All routes of this process.
 */
#ifndef SHMIPC_BRIDGE_FLEET_H
#define SHMIPC_BRIDGE_FLEET_H

#include "bridge/route.h"

struct fleet;

/* NULL, after a complaint. */
struct fleet *fleet_make(void);
/* Ends all routes, each of which may take its time. */
void fleet_free(struct fleet *fleet);

/* Starts a route, unless there is one of that `key`; takes the options in any
 * case. False, after a complaint: it could not be started. */
bool fleet_add(struct fleet *fleet, const char *key,
               struct route_options *options);
/* The next sweep leaves the route of that key, if there is one. */
void fleet_keep(struct fleet *fleet, const char *key);
/* Ends those that were not kept since the last call. */
void fleet_sweep(struct fleet *fleet);

/* Calls `look` for each route. Any thread. */
void fleet_look(struct fleet *fleet, void (*look)(struct route *, void *),
                void *user);

#endif
