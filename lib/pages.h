/* SPDX-License-Identifier: MIT */
/*
 * Pages for a file, so that a full file system is an error now and not a SIGBUS
 * later.
 */
#ifndef SHMIPC_PAGES_H
#define SHMIPC_PAGES_H

#include <stdbool.h>
#include <stdint.h>

/* 0, or EFBIG: this process may make no file of that size (RLIMIT_FSIZE), and
 * to try it would be a SIGXFSZ. */
int pages_check_limit(uint64_t size);

/* 0 or errno. EINTR: a signal came, and the kernel took all back that this call
 * had reserved. Where `undisturbed` is set signals wait meanwhile, so that only
 * one that cannot wait does that. */
int pages_reserve(int fd, uint64_t at, uint64_t size, bool undisturbed);

#endif
