/* SPDX-License-Identifier: MIT */
/*
 * Giving lines back. A producer that comes to lines which a consumer has read
 * has to ask for them, and on some CPUs gets them at a fraction of the rate at
 * which it gets lines that the other one has stored to. So the one consumer,
 * who owns an entry until it moves head, stores a byte of each line once it has
 * copied it: the one that is there. Nobody sees a difference, whoever reads
 * meanwhile, and a consumer that is killed in it leaves the entry as it was.
 *
 * Where that pays, by CPU and size, docs/benchmarks/experiments.md says. It is
 * in the way of who waits for an answer, so it is done in a stream only: where
 * the entry before was found without a look in vain since.
 */
#ifndef SHMIPC_GIVE_H
#define SHMIPC_GIVE_H

#include "buffer/handle.h"

/* From which size on; below which one is the handle's matter. */
#ifdef SHMIPC_MODEL
enum { GIVE_FROM = SHMIPC_BLOCK + 1 };
#else
enum { GIVE_FROM = 256 };
#endif

/* Copied and given back at a time: so much stays in the nearest cache. */
enum { GIVE_PIECE = 1024 };

/* The size of entries below which this handle is to give lines back; 0: never.
 */
uint32_t give_limit(const struct ring *r);

/* Whether to do so with an entry of that size that is about to be read. */
static inline bool give_pays(const struct IpcBuffer *b, size_t size)
{
#ifdef SHMIPC_MODEL
    return size >= GIVE_FROM && size < b->gives_below;
#else
    return size >= GIVE_FROM && size < b->gives_below &&
           atomic_hint(&b->run) > 0;
#endif
}

/* Gives back the lines of an entry that was read where it lies. */
void give_lines(unsigned char *lines, size_t size);

/* Copies an entry that nobody else can take, and gives its lines back. */
void give_load(void *to, const unsigned char *from, size_t size);

#endif
