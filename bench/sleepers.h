/* SPDX-License-Identifier: MIT */
/*
 * Transports whose receivers sleep in the kernel until a message comes: for
 * the workloads `wake` and `rate` only, since producers of a stream would block
 * here.
 */
#ifndef BENCH_SLEEPERS_H
#define BENCH_SLEEPERS_H

#include "loops.h"

/* How long channels try before they sleep, as in IpcChannelConfiguration. */
extern uint32_t sleepers_spin_ns;

struct sleeper {
    const struct transport *transport;
    const struct transport *bare; /* the primitive that is its limit */
};

/* The primitives first; ends with NULL. */
extern const struct sleeper sleepers[];

/* Those that carry a stream, with their calls, for a loop of one's own. */
struct sleeper_stream {
    const struct transport *transport;
    loop_send *send;
    loop_receive *receive;
};

extern const struct sleeper_stream sleepers_streams[];

#endif
