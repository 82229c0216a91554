/* SPDX-License-Identifier: MIT */
/*
 * The file that memory is of, where the library knows it, and locks on bytes of
 * that file far behind its end: the kernel lets go of them when the process
 * ends, whoever looks, from whatever namespace.
 *
 * The locks are of an open file description, and that is this process's own:
 * opened by it, never passed, inherited or duplicated, since those would keep a
 * lock after its holder. There is one for each file. A forked child opens them
 * anew, without the locks; exec() closes them.
 */
#ifndef SHMIPC_BACKING_H
#define SHMIPC_BACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backing;

/* Takes a descriptor over that this process has opened; or opens anew what
 * another one is of, which stays the caller's. NULL: there are no proofs then.
 * To be released as often. */
struct backing *backing_adopt(int fd);
struct backing *backing_open(int fd);
void backing_release(struct backing *b);

/* Reads what a file holds at a place. False: it is no file, or cannot be read
 * there. */
bool backing_read(int fd, uint64_t place, void *to, size_t size);

/* Remembers what the `size` bytes at `memory` are of, from its first byte on,
 * and takes `b` over, until it is told to forget. */
void backing_note(const void *memory, uint64_t size, struct backing *b);
void backing_forget(const void *memory);

/* What is noted for an address, or NULL; *offset is its place in the file. */
struct backing *backing_find(const void *memory, uint64_t *offset);

/* A description of the file that the memory is known to be of, or else `fd`, if
 * it is not NULL; to be closed by the caller. -1: there is none. */
int backing_reopen(const void *memory, const int *fd);

/* Locks the byte that stands for a place in the file, as often as it is
 * unlocked again. False: it cannot be. */
bool backing_lock(struct backing *b, uint64_t place);
void backing_unlock(struct backing *b, uint64_t place);

enum backing_holder { BACKING_NOBODY, BACKING_SOMEBODY, BACKING_NOT_KNOWN };

/* Who else has locked it. Whoever asks must know that it was not himself. */
enum backing_holder backing_ask(struct backing *b, uint64_t place);

/* For a forked child in its first call, which no fork handler may have seen;
 * *done is a word that the fork has emptied. */
void backing_after_fork(_Atomic uint64_t *done);

#endif
