/* SPDX-License-Identifier: MIT */
/*
 * Transports whose receivers sleep in the kernel until a message comes: for
 * the workload `wake` only, since producers of a stream would block here.
 */
#ifndef BENCH_SLEEPERS_H
#define BENCH_SLEEPERS_H

#include "transport.h"

/* How long channels try before they sleep, as in IpcChannelConfiguration. */
extern uint32_t sleepers_spin_ns;

struct sleeper {
    const struct transport *transport;
    const struct transport *bare; /* the primitive that is its limit */
};

/* The primitives first; ends with NULL. */
extern const struct sleeper sleepers[];

#endif
