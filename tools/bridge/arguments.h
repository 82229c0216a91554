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
    uint64_t prometheus; /* port, or 0 */
};

/* A port's number; false: it is none. */
bool arguments_read_port(const char *text, uint64_t *port);

/* argv[0] is "out" or "in". What is wrong ends the program with a complaint. */
void arguments_read(struct arguments *to, int argc, char **argv);

#endif
