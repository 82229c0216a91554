/* SPDX-License-Identifier: MIT */
/*
 * What `out` and `in` are told, on a command line or in a line of a
 * configuration.
 */
#ifndef SHMIPC_BRIDGE_ARGUMENTS_H
#define SHMIPC_BRIDGE_ARGUMENTS_H

#include "bridge/route.h"

struct arguments {
    struct route_options route;
};

/* argv[0] is "out" or "in". What is wrong ends the program with a complaint. */
void arguments_read(struct arguments *to, int argc, char **argv);

#endif
