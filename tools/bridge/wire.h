/* SPDX-License-Identifier: MIT */
/*
 * Every byte that bridges say to each other. docs/bridge.md has the
 * conversation; this is its alphabet.
 *
 * A message is a head of 56 bytes; DATA has a table of its entries behind it,
 * and their payloads as a second frame, one after the other without padding. An
 * entry that is too large for that goes in several PARTs: so no message is
 * long, and nobody can make the other side get memory for a long one before it
 * knows who he is. Numbers are little-endian. What comes from the network is
 * believed only as far as wire_read() has checked it.
 *
 * Entries have the offsets that they have in the near channel. Each batch says
 * which entry goes before it (`after`): so the far side knows, without knowing
 * how large blocks and filler are over there, whether one is missing.
 */
#ifndef SHMIPC_BRIDGE_WIRE_H
#define SHMIPC_BRIDGE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC UINT32_C(0x47425348) /* "HSBG" */
/* No entry. Offsets are multiples of 8, so that it is none. */
#define WIRE_NONE  UINT64_MAX

enum {
    WIRE_VERSION = 1,
    /* The most that a batch has, and a PART. */
    WIRE_ENTRIES_MAX = 1024,
    WIRE_BATCH_MAX = 64 << 10,
    WIRE_CALL_MAX = 2 * WIRE_BATCH_MAX, /* bytes of a call, or an answer */
    WIRE_ENTRY_MAX = (1 << 28) - 1,     /* the library's own limit */
};

enum wire_kind {
    /* From the near side. */
    WIRE_HELLO = 1, /* a session begins; after: what was acknowledged to us */
    WIRE_DATA = 2,  /* entries; after: the one before the first of them */
    WIRE_PART = 3,  /* of one entry; value: where in the entry it begins */
    WIRE_PING = 4,  /* what do you have? */
    /* From the far side. */
    WIRE_WELCOME = 5, /* after: the last entry that I have; go on behind it */
    WIRE_ACK = 6,     /* after: the same; you can let go of all up to there */
    WIRE_PONG = 7,    /* the same, in answer to the PING of that number */
    WIRE_RESTART = 8, /* something is missing: say HELLO again */
    /* Of services, whose sessions begin by HELLO and WELCOME as well. */
    WIRE_CALL = 9,    /* after: its number times 8; value: ns that it has */
    WIRE_ANSWER = 10, /* after: the same; value: a wire_outcome */
};

enum wire_outcome {
    WIRE_ANSWERED = 0,
    WIRE_REFUSED = 1, /* by who serves, or nobody does, or it is too large */
};

/* For `flags` of HELLO, DATA and PART: what is missing does not come again. */
#define WIRE_LOSSY UINT16_C(1)
/* Of DATA and PART: the near channel has not much space left, so that who
 * writes there may be waiting for the ACK. */
#define WIRE_SOON  UINT16_C(2)

/* As it travels. */
struct wire_head {
    uint32_t magic;
    uint8_t version;
    uint8_t kind;
    uint16_t flags;
    uint64_t stream;  /* the near channel's creation number; never 0 */
    uint64_t session; /* a random number of the near side; never 0 */
    uint64_t after;   /* an offset or WIRE_NONE */
    uint64_t value;   /* lossy DATA: bytes that were not read, and are lost;
                       * WELCOME: the largest entry that fits over here */
    uint32_t count;   /* of entries */
    uint32_t number;  /* of a PING */
    uint64_t reserved;
};

struct wire_entry {
    uint64_t offset;
    uint32_t size; /* of its whole payload, bytes; never 0 */
    uint32_t reserved;
};

_Static_assert(sizeof(struct wire_head) == 56, "wire");
_Static_assert(offsetof(struct wire_head, version) == 4, "wire");
_Static_assert(offsetof(struct wire_head, kind) == 5, "wire");
_Static_assert(offsetof(struct wire_head, flags) == 6, "wire");
_Static_assert(offsetof(struct wire_head, stream) == 8, "wire");
_Static_assert(offsetof(struct wire_head, session) == 16, "wire");
_Static_assert(offsetof(struct wire_head, after) == 24, "wire");
_Static_assert(offsetof(struct wire_head, value) == 32, "wire");
_Static_assert(offsetof(struct wire_head, count) == 40, "wire");
_Static_assert(offsetof(struct wire_head, number) == 44, "wire");
_Static_assert(sizeof(struct wire_entry) == 16, "wire");
_Static_assert(offsetof(struct wire_entry, size) == 8, "wire");

/* The largest first frame that a message has. */
enum {
    WIRE_FIRST_MAX =
        sizeof(struct wire_head) + WIRE_ENTRIES_MAX * sizeof(struct wire_entry),
};

/* Turns it into what travels, and back, in place. */
void wire_swap_head(struct wire_head *head);
void wire_swap_entry(struct wire_entry *entry);

/* The head of a message of that kind, in our own byte order. */
struct wire_head wire_make(enum wire_kind kind, uint64_t stream,
                           uint64_t session, uint64_t after);

/* What was received. */
struct wire_message {
    struct wire_head head;        /* in our own byte order */
    const unsigned char *table;   /* of head.count entries, as they came */
    const unsigned char *payload; /* of all of them, or of a PART of one */
    size_t payload_size;
};

/* Checks what came, in one or two frames (else `payload` is NULL and its size
 * 0), and points *message into it. NULL: it is good; else what is wrong with
 * it, for people. Then no table and no payload goes beyond what was given. */
const char *wire_read(const void *first, size_t first_size, const void *payload,
                      size_t payload_size, struct wire_message *message);

/* An entry of a message that was good. */
struct wire_entry wire_entry(const struct wire_message *message, uint32_t i);

#endif
