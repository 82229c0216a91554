/* SPDX-License-Identifier: MIT */
/*
 * What the far side must know after a SIGKILL: a small file beside the far
 * channel, mapped, of which every store counts as soon as it is made.
 *
 * Before each commit goes {the entry's offset in its stream, the one before it,
 * the position in the far channel}. Who comes next looks whether that position
 * was committed: then the entry is there, else the one before it is the last.
 * That is exactly once, whatever the instruction at which we died.
 *
 * The note of a stream is one of two slots; the one with the higher number is
 * valid. A slot is written while the other is, and its number last. The file is
 * locked (flock) for as long as a bridge writes into the channel: so there is
 * one, and whoever gets the lock knows that the last one is dead.
 *
 *     +------------------+
 *     | header      64 B |  magic, version, the far channel's creation
 *     +------------------+
 *     | streams 64 x 128 |  two slots of 64 bytes
 *     +------------------+
 */
#ifndef SHMIPC_BRIDGE_NOTE_H
#define SHMIPC_BRIDGE_NOTE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTE_MAGIC UINT64_C(0x31474252434d4853) /* "SHMCRBG1" */
#define NOTE_NONE  UINT64_MAX

enum { NOTE_VERSION = 1, NOTE_STREAMS = 64 };

struct note_slot {
    _Atomic uint64_t number; /* stored last; 0: never written */
    uint64_t stream;
    uint64_t offset;   /* in the stream */
    uint64_t before;   /* the last one before it, or NOTE_NONE */
    uint64_t position; /* offset in the far channel, or NOTE_NONE: `offset` is
                        * known to be there */
    uint64_t sum;      /* of all this */
    uint64_t used;     /* wall clock, ns, of a session's beginning */
    uint64_t reserved;
};

struct note_stream {
    struct note_slot slots[2];
};

struct note_file {
    uint64_t magic;
    uint32_t version;
    uint32_t streams;
    _Atomic uint64_t creation; /* stored last */
    uint64_t reserved[5];
    struct note_stream table[NOTE_STREAMS];
};

_Static_assert(sizeof(struct note_slot) == 64, "a slot is one line");
_Static_assert(sizeof(struct note_stream) == 128, "note");
_Static_assert(offsetof(struct note_file, creation) == 16, "note");
_Static_assert(offsetof(struct note_file, table) == 64, "note");

struct note {
    int fd;
    struct note_file *file;
    bool is_new; /* there was none for this creation of the channel */
};

/* What is said to have been done last. */
struct note_state {
    uint64_t stream, offset, before, position;
    uint64_t used; /* note_find() sets it to the time of day */
};

/* Opens or makes the file, and takes the lock. NULL, or what is wrong, with
 * errno; EWOULDBLOCK: another bridge has it. What was noted for another
 * creation of the channel is forgotten. */
const char *note_open(struct note *note, const char *path, uint64_t creation);
void note_close(struct note *note);

/* The number of the stream's place, which is taken for it if need be, from the
 * one that was not used for longest. *state is what is noted there; its
 * offset and position are NOTE_NONE if nothing is. -1: `keep` holds all. */
int note_find(struct note *note, uint64_t stream, uint64_t keep,
              struct note_state *state);

/* Notes, before the commit. */
void note_write(struct note *note, int place, const struct note_state *state);

#endif
