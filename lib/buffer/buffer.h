/* SPDX-License-Identifier: MIT */
/*
 * The buffer as the channel uses it: the calls of ipc_buffer.h without their
 * result structs. The public functions of both layers wrap these.
 */
#ifndef SHMIPC_BUFFER_H
#define SHMIPC_BUFFER_H

#include "buffer/pace.h"
#include "ring/protocol.h"
#include <shmipc/ipc_buffer.h>

struct IpcBuffer {
    struct ring ring;
    struct shm_region *region;
    uint64_t region_size;
    uint64_t max_entry_size;
    uint32_t handle; /* names this handle within its process */

    /* Which process entered with this handle as what: process_token() of it,
     * or 0. A forked child has another token and enters anew. */
    atomic_u64 entered;  /* has an owner slot */
    atomic_u64 produces; /* may write */
    atomic_u64 consumes; /* may read */
    atomic_u64 entering; /* lock around the changes; a token as well */
    atomic_u32 owner;

    struct pace read_pace, write_pace;
    atomic_u32 run;        /* entries read since a look found none */
    atomic_u32 idle_looks; /* looks that found nothing */
    atomic_u64 full_at;    /* tail when there was no room, some time ago */
    atomic_u64 gap_seen;   /* position of a gap at an earlier look */
    /* One producer: position of the open reservation, or 0, which is none. */
    atomic_u64 open_alone;
};

/* Enters with the handle: takes an owner slot or a role for this process. The
 * slow halves of the two questions below. */
IpcStatus handle_produce(struct IpcBuffer *b);
IpcStatus handle_consume(struct IpcBuffer *b);

static inline bool handle_may_produce(struct IpcBuffer *b)
{
    /* Acquire pairs with the release in handle_produce(): `owner`. */
    return atomic_get_acquire(&b->produces) == process_token();
}

static inline bool handle_may_consume(struct IpcBuffer *b)
{
    /* Acquire pairs with the release in handle_consume(). */
    return atomic_get_acquire(&b->consumes) == process_token();
}

static inline uint32_t handle_owner(struct IpcBuffer *b)
{
    /* Relaxed: comes after one of the acquires above. */
    return atomic_get_relaxed(&b->owner);
}

/* Prepares a handle in the caller's memory. */
IpcStatus handle_create(struct IpcBuffer *b, void *mem, size_t size,
                        const IpcBufferOptions *options,
                        IpcBufferCreateError *body, const char **detail);
IpcStatus handle_attach(struct IpcBuffer *b, void *mem, size_t size,
                        uint64_t *needed, const char **detail);
void handle_close(struct IpcBuffer *b);

IpcStatus write_entry(struct IpcBuffer *b, const void *data, size_t size);
IpcStatus write_pieces(struct IpcBuffer *b, const struct iovec *pieces,
                       int count, size_t *size);
IpcStatus write_reserve(struct IpcBuffer *b, size_t size, IpcReservation *dest);
IpcStatus write_commit(struct IpcBuffer *b, const IpcReservation *reservation,
                       size_t size);
IpcStatus write_abort(struct IpcBuffer *b, const IpcReservation *reservation);

/* *written of the entries; *size is that of the one that failed. */
IpcStatus batch_write(struct IpcBuffer *b, const struct iovec *entries,
                      int count, size_t *written, size_t *size);

/* The same for `count` entries of `size` bytes, one behind the other. */
IpcStatus batch_write_array(struct IpcBuffer *b, const void *data, size_t size,
                            size_t count, size_t *written);

/* Copies the next entry; *needed is its size, *offset where it is. */
IpcStatus read_entry(struct IpcBuffer *b, IpcEntry *dest, uint64_t *offset,
                     size_t *needed);
/* *read entries into `memory`, one after the other. */
IpcStatus batch_read(struct IpcBuffer *b, IpcEntry *entries, int count,
                     void *memory, size_t size, size_t *read, uint64_t *offset,
                     size_t *needed);
/* *read entries of `size` bytes into `data`; *needed is another one's size. */
IpcStatus batch_read_array(struct IpcBuffer *b, void *data, size_t size,
                           size_t count, size_t *read, uint64_t *offset,
                           size_t *needed);
/* The next entry into memory from malloc; on IPC_OK the caller owns it. */
IpcStatus read_allocate(struct IpcBuffer *b, IpcEntry *dest, uint64_t *offset);
IpcStatus read_peek(struct IpcBuffer *b, IpcEntry *dest, uint64_t *offset);
IpcStatus read_skip(struct IpcBuffer *b, uint64_t offset, uint64_t *head);
IpcStatus recover_skip(struct IpcBuffer *b, uint64_t *offset);
IpcStatus recover_dead(struct IpcBuffer *b, bool force, uint64_t *removed,
                       uint64_t *offset);

/* Whether what is at the head is claimed but not committed, so that it pays to
 * look after it. Moves nothing. */
bool read_is_stuck(struct IpcBuffer *b);

/* Ends all writing. Readers get IPC_ERR_CLOSED when they have drained. */
void buffer_shut(struct IpcBuffer *b);

bool buffer_producers_are_dead(const struct IpcBuffer *b);

IpcStatus stats_fill(const struct IpcBuffer *b, IpcBufferStats *dest);

/* Descriptions of errors: the detail, and the bodies. */
const char *write_detail(const struct IpcBuffer *b, const void *data,
                         size_t size, IpcStatus status);
void write_describe(const struct IpcBuffer *b, size_t size,
                    IpcBufferWriteError *body);
const char *write_commit_detail(IpcStatus status);
const char *read_detail(IpcStatus status);
const char *handle_attach_detail(IpcStatus status);
const char *stats_detail(IpcStatus status);

#endif
