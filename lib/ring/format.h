/* SPDX-License-Identifier: MIT */
/*
 * Formatting memory, and checking memory that somebody else formatted.
 *
 * ORDERING
 *   label   released by           acquired by     so that
 *   ready   `ready`, stored last  format_open()   the region is whole
 *                                 creation.h      so is its number
 *   anew    `ready`, cleared      format_open()   an identity that is being
 *           first                                 replaced is noticed
 */
#ifndef SHMIPC_FORMAT_H
#define SHMIPC_FORMAT_H

#include "ring/position.h"
#include <shmipc/ipc_buffer.h>

/* Bytes of a region with that many blocks, owners and subscribers, and those
 * flags. */
uint64_t format_region_size(uint32_t blocks, uint32_t owners,
                            uint32_t subscribers, uint32_t flags);

/* The number of owners that a region gets by default. */
uint32_t format_default_owners(uint32_t blocks);

/* The number of subscribers that a region for some gets by default. */
uint32_t format_default_subscribers(uint32_t blocks);

/* For `subscribers` below: the default number. */
#define FORMAT_SOME_SUBSCRIBERS UINT32_MAX

/* The most blocks that fit into `room` bytes; owners 0: the default. */
uint32_t format_blocks_in(uint64_t room, uint32_t owners, uint32_t subscribers,
                          uint32_t flags);

/* Bytes from `mem` to the region's first byte. */
size_t format_slack(const void *mem);

/* The region's first word, which is not acted on by itself. */
static inline const atomic_u32 *format_first_word(const void *mem)
{
    return (const void *)((const unsigned char *)mem + format_slack(mem));
}

/* Writes an empty region and points *ring at it. The caller has made sure
 * that it fits into `room` bytes. `is_zero`: all of them are known to be 0, so
 * that control words, which are free then, need not be stored; where there are
 * many that is what a creation takes, in time and in pages. */
void format_region(void *mem, uint64_t room, bool is_zero, uint32_t blocks,
                   uint32_t owners, uint32_t subscribers, uint32_t flags,
                   struct ring *ring);

/* What a handle of a ring with subscribers that is none reads by: there is
 * nothing. */
void format_point_nowhere(struct ring *ring);

/* Checks what is at `mem`, of which `size` bytes may be looked at (SIZE_MAX:
 * as many as its identity says), and points *ring at it. On an error *needed is
 * the size the mapping must have, as far as known. Stores nothing there. */
IpcStatus format_open(void *mem, size_t size, struct ring *ring,
                      uint64_t *needed);

#endif
