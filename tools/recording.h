/* SPDX-License-Identifier: MIT */
/*
 * Files of recorded messages: how their bytes lie. docs/recording.md is for
 * those who write a program that reads them.
 *
 * A header and then records, each with a checksum of its own, so that a file
 * whose writer was killed in the middle of one can be read up to there. All
 * numbers have the least significant byte first.
 */
#ifndef SHMIPC_TOOLS_RECORDING_H
#define SHMIPC_TOOLS_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RECORDING_VERSION = 1,
    RECORDING_HEADER = 64, /* bytes */
    RECORDING_RECORD = 32, /* bytes before the message */
};

struct recording_header {
    uint32_t version;
    uint32_t flags;    /* IPC_BUFFER_* of the channel */
    uint64_t id;       /* one for all parts of a recording */
    uint64_t part;     /* from 0 */
    uint64_t began;    /* ns of CLOCK_REALTIME, of the first part */
    uint64_t capacity; /* bytes that the channel held */
};

enum recording_kind {
    RECORDING_MESSAGE = 1,
    RECORDING_LOST = 2,      /* 8 bytes: how many bytes were overwritten */
    RECORDING_PASSED = 3,    /* the same, for what was stuck */
    RECORDING_END = 4,       /* 8 bytes: messages of all parts */
    RECORDING_CONTINUED = 5, /* in the next part; 8 bytes: as above */
};

struct recording_record {
    enum recording_kind kind;
    uint32_t size;
    uint64_t time;   /* ns since it began */
    uint64_t offset; /* in the channel */
    const unsigned char *bytes;
};

void recording_put_header(unsigned char to[RECORDING_HEADER],
                          const struct recording_header *header);
/* NULL, or what is wrong. */
const char *recording_get_header(const unsigned char from[RECORDING_HEADER],
                                 struct recording_header *header);

/* What is in front of a record's bytes. */
void recording_put_record(unsigned char to[RECORDING_RECORD],
                          const struct recording_record *record);

/* What is at the front of `size` bytes. */
enum recording_look {
    RECORDING_WHOLE, /* *record is there; *needed bytes are its */
    RECORDING_SHORT, /* *needed bytes are needed to say */
    RECORDING_TORN,  /* it is none */
};
enum recording_look recording_get_record(const unsigned char *from, size_t size,
                                         struct recording_record *record,
                                         size_t *needed);

/* The number that a record of 8 bytes holds. */
uint64_t recording_number(const struct recording_record *record);
void recording_put_number(unsigned char to[8], uint64_t number);

#endif
