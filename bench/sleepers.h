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

/* The bare futex first, which is the limit; ends with NULL. */
extern const struct transport *const sleepers[];

#endif
