/* SPDX-License-Identifier: MIT */
/*
 * What the machine can do: what every result is a multiple of.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include "transport.h"

/* One cache line that two processes write in turn. Ping-pong only. */
extern const struct transport limit_line;
/* memcpy into slots that two processes share, and out of them: few slots,
 * which stay in the caches, or as many as there is memory for. */
extern const struct transport limit_copy_few, limit_copy_some, limit_copy_all;
/* Handed over many at a time, so that the two sides work on different lines:
 * no transport that hands over single messages can be faster. */
extern const struct transport limit_copy_chunks;
/* memcpy into a buffer and out of it. Of use to one alone only. */
extern const struct transport limit_copy_twice;
/* Carries nothing: for what the parties' own work takes while the other one
 * goes on beside them. Sent and received are how often each side worked. */
extern const struct transport limit_nothing;

#endif
