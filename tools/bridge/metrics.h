/* SPDX-License-Identifier: MIT */
/*
 * Figures for Prometheus, by HTTP, to who asks from this machine.
 */
#ifndef SHMIPC_BRIDGE_METRICS_H
#define SHMIPC_BRIDGE_METRICS_H

#include "bridge/fleet.h"

struct metrics;

/* Listens at 127.0.0.1; NULL, after a complaint. */
struct metrics *metrics_start(uint16_t port, struct fleet *fleet);
void metrics_stop(struct metrics *metrics);

#endif
