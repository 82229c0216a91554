/* SPDX-License-Identifier: MIT */
/*
 * What the kernel has to sleep in until a word or a few bytes arrive, and
 * nothing around it.
 */
#ifndef BENCH_BARE_SLEEPERS_H
#define BENCH_BARE_SLEEPERS_H

#include "loops.h"

extern const struct transport bare_futex, bare_timed_futex;
extern const struct transport bare_eventfd, bare_io_uring;
extern const struct transport blocking_pipe, blocking_socket;

/* Of the last two. */
loop_send bare_file_send;
loop_receive bare_file_receive;

#endif
