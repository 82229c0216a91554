/* SPDX-License-Identifier: MIT */
/*
 * What the machine can do: what every result is a multiple of.
 */
#ifndef BENCH_LIMITS_H
#define BENCH_LIMITS_H

#include "transport.h"

/* One cache line that two processes write in turn. Ping-pong only. */
extern const struct transport limit_line;
/* memcpy into slots that two processes share, and out of them: few slots,
 * which stay in the caches, or as many as there is memory for. */
extern const struct transport limit_copy_few, limit_copy_some, limit_copy_all;

#endif
