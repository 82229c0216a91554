/* SPDX-License-Identifier: MIT */
/*
 * The far channel: entries are written into it, each with a note before its
 * commit (note.h).
 */
#ifndef SHMIPC_BRIDGE_OUTLET_H
#define SHMIPC_BRIDGE_OUTLET_H

#include "bridge/note.h"
#include "bridge/region.h"
#include <shmipc/shmipc.h>

struct outlet {
    IpcChannel *channel;
    struct region region;
    struct note note;
    uint64_t largest;
};

/* How far a stream has come. */
struct outlet_stream {
    int place; /* in the note */
    struct note_state state;
    bool is_ambiguous; /* nobody can say whether state.offset is there; it
                        * counts as if it was not */
};

enum outlet_result {
    OUTLET_DONE,
    OUTLET_FULL,   /* in that time */
    OUTLET_GONE,   /* formatted anew or closed: open again */
    OUTLET_NEVER,  /* the entry is larger than the channel can take */
    OUTLET_FAILED, /* another one writes, or there is damage */
};

/* Opens the channel, which is made if there is none unless options say
 * otherwise. NULL, or what is wrong. */
const char *outlet_open(struct outlet *out, const char *name, const char *path,
                        const IpcOpenOptions *options);
void outlet_close(struct outlet *out);

/* Finds what is known of a stream, and judges what who died had noted: then
 * state.offset is the last entry that is there, or NOTE_NONE. False: there is
 * no place for it; bits of `keep` are places that others need. */
bool outlet_find(struct outlet *out, uint64_t stream, uint64_t keep,
                 struct outlet_stream *s);

/* Writes the next entry of the stream, which has `offset` there. Waits for
 * space for at most `ns` nanoseconds. */
enum outlet_result outlet_put(struct outlet *out, struct outlet_stream *s,
                              uint64_t offset, const void *payload, size_t size,
                              uint64_t ns);

/* Notes that the last entry is there, whatever becomes of its place. */
void outlet_settle(struct outlet *out, struct outlet_stream *s);

#endif
