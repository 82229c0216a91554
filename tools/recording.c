/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include <shmipc/ipc_common.h>
#include <string.h>
#include <zlib.h>

/* The first byte is no text; line ends that were converted are noticed. */
static const unsigned char magic[8] = {0x89, 'S',  'H',  'M',
                                       'R',  '\r', '\n', 26};

enum { LARGEST = (1 << 28) - 1 }; /* of a channel's messages */

static void put32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++, value >>= 8)
        to[i] = (unsigned char)value;
}

static uint32_t get32(const unsigned char *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 |
           (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

void recording_put_number(unsigned char to[8], uint64_t number)
{
    put32(to, (uint32_t)number);
    put32(to + 4, (uint32_t)(number >> 32));
}

static uint64_t get64(const unsigned char *from)
{
    return get32(from) | (uint64_t)get32(from + 4) << 32;
}

uint64_t recording_number(const struct recording_record *record)
{
    return get64(record->bytes);
}

static uint32_t checksum(uint32_t so_far, const unsigned char *bytes,
                         size_t size)
{
    return (uint32_t)crc32(so_far, bytes, (uInt)size);
}

/* ----------------------------------------------------------------- header */

void recording_put_header(unsigned char to[RECORDING_HEADER],
                          const struct recording_header *header)
{
    memset(to, 0, RECORDING_HEADER);
    memcpy(to, magic, sizeof magic);
    put32(to + 8, header->version);
    put32(to + 12, header->flags);
    recording_put_number(to + 16, header->id);
    recording_put_number(to + 24, header->part);
    recording_put_number(to + 32, header->began);
    recording_put_number(to + 40, header->capacity);
    put32(to + 60, checksum(0, to, 60));
}

const char *recording_get_header(const unsigned char from[RECORDING_HEADER],
                                 struct recording_header *header)
{
    if (memcmp(from, magic, sizeof magic) != 0)
        return memcmp(from, magic, 5) == 0
                   ? "it was a recording, and its line ends were converted: "
                     "copy it as it is"
                   : "it is no recording of `shmipc record`";
    header->version = get32(from + 8);
    if (header->version != RECORDING_VERSION)
        return "it is a recording of another version, which this shmipc "
               "does not know";
    if (get32(from + 60) != checksum(0, from, 60))
        return "its header is damaged";
    header->flags = get32(from + 12);
    header->id = get64(from + 16);
    header->part = get64(from + 24);
    header->began = get64(from + 32);
    header->capacity = get64(from + 40);
    return NULL;
}

/* ---------------------------------------------------------------- records */

void recording_put_record(unsigned char to[RECORDING_RECORD],
                          const struct recording_record *record)
{
    put32(to + 4, record->size);
    put32(to + 8, record->kind);
    put32(to + 12, 0);
    recording_put_number(to + 16, record->time);
    recording_put_number(to + 24, record->offset);
    put32(to, checksum(checksum(0, to + 4, RECORDING_RECORD - 4), record->bytes,
                       record->size));
}

static bool can_be(const struct recording_record *record)
{
    if (record->kind == RECORDING_MESSAGE)
        return record->size > 0 && record->size <= LARGEST;
    return record->kind > RECORDING_MESSAGE &&
           record->kind <= RECORDING_CONTINUED && record->size == 8;
}

enum recording_look recording_get_record(const unsigned char *from, size_t size,
                                         struct recording_record *record,
                                         size_t *needed)
{
    *needed = RECORDING_RECORD;
    if (size < RECORDING_RECORD)
        return RECORDING_SHORT;
    record->size = get32(from + 4);
    record->kind = (enum recording_kind)get32(from + 8);
    record->time = get64(from + 16);
    record->offset = get64(from + 24);
    record->bytes = from + RECORDING_RECORD;
    if (!can_be(record))
        return RECORDING_TORN;
    *needed += record->size;
    if (size < *needed)
        return RECORDING_SHORT;
    return get32(from) == checksum(checksum(0, from + 4, RECORDING_RECORD - 4),
                                   record->bytes, record->size)
               ? RECORDING_WHOLE
               : RECORDING_TORN;
}
