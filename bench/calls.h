/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's and the processor's calls cost by themselves, in ns: what
 * times that carry no message are a multiple of.
 */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include "task.h"

extern const struct task call_system, call_futex_wake, call_locked;
extern const struct task call_ticks, call_system_clock;

#endif
