/* SPDX-License-Identifier: MIT */
/*
 * The producer's side of a buffer.
 */
#include "buffer/write.h"
#include "buffer/blame.h"
#include "ring/process.h"
#include <sched.h>

enum {
    /* Looks for room in a row that end at the same subscriber or claim, before
     * it is asked whether that is dead: when they have become so many, when
     * twice as many and so on, and every so many. */
    JUDGE_FROM = 16,
    JUDGE_EVERY = 1024,
    /* To let others run takes as long as they do, on a busy machine. */
    JOINING_NS = 2 * 1000 * 1000,
/* Looks, half of them with others let run in between, at one who is joining
 * before that is put off. */
#ifdef SHMIPC_MODEL
    JOINING_LOOKS = 0,
#else
    JOINING_LOOKS = 256,
#endif
};

/* True: it rested. Blocks count as entries. */
static bool rest(struct IpcBuffer *b)
{
    uint64_t tail = protocol_tail(&b->ring);
    uint64_t blocks = tail - atomic_hint(&b->full_at);

    atomic_set_hint(&b->full_at, tail);
    if (blocks > b->ring.block_count)
        blocks = b->ring.block_count;
    return pace_rest(&b->write_pace, (uint32_t)blocks, 0);
}

/* Whether subscribers had let us have less room, the last time, than a move
 * makes if it can. */
static bool has_moved_little(struct IpcBuffer *b)
{
    uint64_t tail = protocol_tail(&b->ring);

    if (tail - atomic_hint(&b->full_at) < b->ring.block_count / GATE_PARTS)
        return true;
    atomic_set_hint(&b->full_at, tail);
    return false;
}

static enum claim_outcome claim_once(struct IpcBuffer *b, uint32_t blocks,
                                     uint64_t *position)
{
    return b->ring.one_producer
               ? claim_alone(&b->ring, blocks, position)
               : claim_shared(&b->ring, blocks, handle_owner(b), position);
}

/* Where room is held up by the same again and again, whether that is dead. */
static bool is_time_to_judge(struct IpcBuffer *b, const struct gate_stop *stop)
{
    uint32_t held = atomic_hint(&b->held) + 1;
    uint64_t by = stop->word + stop->slot;

    if (atomic_hint(&b->held_by) != by) {
        atomic_set_hint(&b->held_by, by);
        held = 1;
    }
    atomic_set_hint(&b->held, held);
    return held >= JUDGE_FROM &&
           ((held & (held - 1)) == 0 || held % JUDGE_EVERY == 0);
}

static enum claim_outcome held_up(struct IpcBuffer *b,
                                  const struct gate_stop *stop)
{
    if (stop->holder == GATE_BY_SUBSCRIBER)
        /* Relaxed: a figure for people. */
        atomic_add_relaxed(&b->ring.subscribers[stop->slot].slowest, 1);
    return CLAIM_FULL;
}

struct patience {
    int looks;
    int64_t until;
};

/* It may have joined then; or it is stopped. */
static void wait_for_joiner(struct IpcBuffer *b, const struct gate_stop *stop,
                            struct patience *p)
{
    if (p->looks >= JOINING_LOOKS ||
        (p->looks > JOINING_LOOKS / 2 && process_clock() > p->until)) {
        gate_put_off(&b->ring, stop);
        p->looks = 0;
        return;
    }
    if (++p->looks < JOINING_LOOKS / 2) {
        atomic_cpu_relax();
        return;
    }
    if (p->looks == JOINING_LOOKS / 2)
        p->until = process_clock() + JOINING_NS;
    sched_yield();
}

/* Where there are subscribers, who needs room makes it. */
static enum claim_outcome claim_past_gate(struct IpcBuffer *b, uint32_t blocks,
                                          uint64_t *position)
{
    /* A move costs as much as several entries, and takes a line away from each
     * subscriber. */
    bool rested = has_moved_little(b) && rest(b);
    struct patience joining = {0};

    atomic_set_hint(&b->needed, blocks);
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        struct gate_stop stop;
        enum gate_outcome moved =
            gate_make_room(&b->ring, blocks, handle_owner(b), &stop);
        enum claim_outcome outcome;

        if (moved == GATE_DAMAGE)
            return CLAIM_DAMAGE;
        if (moved == GATE_HELD && is_time_to_judge(b, &stop) &&
            gate_remove(&b->ring, &stop, handle_owner(b)))
            continue;
        outcome = claim_once(b, blocks, position);
        if (outcome != CLAIM_FULL)
            return outcome;
        if (moved != GATE_HELD)
            continue;
        if (gate_waits_for_joiner(&b->ring, &stop)) {
            wait_for_joiner(b, &stop, &joining);
            continue;
        }
        if (rested || !rest(b))
            return held_up(b, &stop);
        rested = true;
    }
    return CLAIM_RACED;
}

bool write_remove_dead(struct IpcBuffer *b)
{
    struct gate_stop stop;

    return b->ring.subscriber_count && handle_may_produce(b) &&
           gate_make_room(&b->ring, atomic_hint(&b->needed), handle_owner(b),
                          &stop) == GATE_HELD &&
           gate_remove(&b->ring, &stop, handle_owner(b));
}

/* Perhaps only filler at the head is in the way, which no reader has passed
 * yet. Where head is moved by CAS anyone may pass it. */
static enum claim_outcome claim_when_full(struct IpcBuffer *b, uint32_t blocks,
                                          uint64_t *position)
{
    bool rested;
    struct view view;

    if (b->ring.subscriber_count)
        return claim_past_gate(b, blocks, position);
    rested = rest(b);
    if (b->ring.one_consumer)
        return rested ? claim_once(b, blocks, position) : CLAIM_FULL;
    if (b->ring.holders)
        hold_release(&b->ring);
    else if (take_look(&b->ring, &view) == LOOK_DAMAGE)
        return CLAIM_DAMAGE;
    return claim_once(b, blocks, position);
}

static IpcStatus status_of(enum claim_outcome outcome)
{
    switch (outcome) {
    case CLAIM_DONE:
        return IPC_OK;
    case CLAIM_FULL:
        return IPC_ERR_NO_SPACE_CONTIGUOUS;
    case CLAIM_RACED:
        return IPC_ERR_LOCKED;
    case CLAIM_CLOSED:
        return IPC_ERR_CLOSED;
    case CLAIM_ANEW:
        return IPC_ERR_FORMATTED_ANEW;
    case CLAIM_DAMAGE:
        break;
    }
    return IPC_ERR_CORRUPTED;
}

IpcStatus write_claim_otherwise(struct IpcBuffer *b, struct claim *claim)
{
    enum claim_outcome outcome;

    if (!handle_may_produce(b)) {
        IpcStatus status = handle_produce(b);

        if (status != IPC_OK)
            return status;
    }
    /* Relaxed: one thread at a time, by contract. */
    if (b->ring.one_producer &&
        atomic_get_relaxed(&b->open_alone) & ~ALONE_TAPPED)
        return IPC_ERR_ILLEGAL_STATE;
    outcome = claim_once(b, claim->blocks, &claim->position);
    if (outcome == CLAIM_FULL)
        outcome = claim_when_full(b, claim->blocks, &claim->position);
    if (outcome == CLAIM_DONE)
        claim->payload = position_payload(&b->ring, claim->position);
    else if (creation_is_over(&b->ring))
        return IPC_ERR_FORMATTED_ANEW;
    else if (outcome == CLAIM_CLOSED)
        close_finish(&b->ring);
    return status_of(outcome);
}

/* Whether an entry can have that size at all; its blocks. */
static IpcStatus check_size(const struct IpcBuffer *b, size_t size,
                            struct claim *claim)
{
    claim->blocks = control_blocks(size);
    /* 0 wraps around and is too large as well. */
    if ((uint64_t)size - 1 < b->max_entry_size)
        return IPC_OK;
    return size ? IPC_ERR_ENTRY_TOO_LARGE : IPC_ERR_INVALID_ARGUMENT;
}

/* After write_block() or write_blocks(), which tried the plain claim. */
IpcStatus write_entry(struct IpcBuffer *b, const void *data, size_t size)
{
    struct claim claim;
    IpcStatus status;

    if (!b || !data)
        return IPC_ERR_INVALID_ARGUMENT;
    status = check_size(b, size, &claim);
    if (status == IPC_OK)
        status = write_claim_otherwise(b, &claim);
    if (status != IPC_OK)
        return status;
    payload_store(claim.payload, data, size);
    write_publish_entry(b, &claim, size);
    return IPC_OK;
}

/* False: a piece is NULL but not empty, or there are too many bytes. */
static bool sum_pieces(const struct iovec *pieces, int count, size_t *size)
{
    *size = 0;
    for (int i = 0; i < count; i++) {
        if (!pieces[i].iov_base && pieces[i].iov_len)
            return false;
        if (pieces[i].iov_len > SIZE_MAX - *size) {
            *size = SIZE_MAX;
            return true; /* too large for any buffer */
        }
        *size += pieces[i].iov_len;
    }
    return true;
}

IpcStatus write_pieces(struct IpcBuffer *b, const struct iovec *pieces,
                       int count, size_t *size)
{
    struct claim claim;
    IpcStatus status;

    *size = 0;
    if (!pieces || count <= 0 || !sum_pieces(pieces, count, size) || !b)
        return IPC_ERR_INVALID_ARGUMENT;
    status = check_size(b, *size, &claim);
    if (status == IPC_OK)
        status = write_claim(b, &claim);
    if (status != IPC_OK)
        return status;
    payload_gather(claim.payload, pieces, count);
    write_publish_entry(b, &claim, *size);
    return IPC_OK;
}

/* --------------------------------------------------------- reservations */

IpcStatus write_reserve(struct IpcBuffer *b, size_t size, IpcReservation *dest)
{
    struct claim claim;
    IpcStatus status;

    if (!b || !dest)
        return IPC_ERR_INVALID_ARGUMENT;
    status = check_size(b, size, &claim);
    if (status == IPC_OK)
        status = write_claim(b, &claim);
    if (status != IPC_OK)
        return status;
    write_fill_reservation(b, &claim, size, dest);
    return IPC_OK;
}

static IpcStatus open_claim(struct IpcBuffer *b,
                            const IpcReservation *reservation,
                            struct claim *claim)
{
    if (!b)
        return (IpcStatus)WRITE_NO_HANDLE;
    if (!reservation)
        return (IpcStatus)WRITE_NO_RESERVATION;
    if (!write_find_claim(b, reservation, claim))
        return (IpcStatus)WRITE_NOT_OURS;
    return write_is_open(b, reservation, claim)
               ? IPC_OK
               : handle_unless_anew(b, IPC_ERR_ILLEGAL_STATE);
}

IpcStatus write_commit(struct IpcBuffer *b, const IpcReservation *reservation,
                       size_t size)
{
    struct claim claim;
    IpcStatus status = open_claim(b, reservation, &claim);

    if (status != IPC_OK)
        return status;
    if (size == 0 || size > reservation->size)
        return (IpcStatus)(size ? WRITE_SIZE_ABOVE : WRITE_SIZE_0);
    write_finish(b, &claim, size);
    return IPC_OK;
}

IpcStatus write_abort(struct IpcBuffer *b, const IpcReservation *reservation)
{
    struct claim claim;
    IpcStatus status = open_claim(b, reservation, &claim);

    if (status != IPC_OK)
        return status;
    if (b->ring.one_producer)
        handle_reserve_nothing(b); /* no claim */
    else
        claim_abort(&b->ring, claim.position, claim.blocks);
    return IPC_OK;
}

/* --------------------------------------------------------------- errors */

const char *write_detail(IpcStatus status)
{
    switch (status) {
    case IPC_ERR_ENTRY_TOO_LARGE:
        return "the entry (error.body.requested_size) is larger than "
               "ipc_channel_max_entry_size() or ipc_buffer_max_entry_size() "
               "says: split it, or create with "
               "more memory";
    case IPC_ERR_NO_SPACE_CONTIGUOUS:
        return "there is no space right now (free: error.body.free_space): try "
               "again when readers have read, or use a write that waits";
    case IPC_ERR_OWNERS_FULL:
        return handle_owners_full;
    case IPC_ERR_ROLE_TAKEN:
        return "another handle is the one producer, and its process lives or "
               "may live: destroy it first, create without "
               "IPC_BUFFER_ONE_PRODUCER, or, if you know it is dead, recover "
               "with force";
    case IPC_ERR_ILLEGAL_STATE:
        return "a reservation is open: commit or abort it first";
    case IPC_ERR_CLOSED:
        return "the channel was closed: nothing more can be written until it "
               "is created anew";
    case IPC_ERR_FORMATTED_ANEW:
        return handle_formatted_anew;
    case IPC_ERR_READ_ONLY:
        return handle_read_only;
    case IPC_ERR_CONSUMERS_DEAD:
        return "every process that read from the channel is dead, and there is "
               "no space: nobody makes any until another one reads, so start a "
               "reader";
    case IPC_ERR_INTERRUPTED:
        return "the handle was interrupted, or a signal came, before there was "
               "space: call ipc_channel_clear_interrupt if it is to wait again";
    case IPC_ERR_TIMEOUT:
        return "the deadline passed before there was space: nothing was "
               "written; see whether anybody reads";
    case IPC_ERR_LOCKED:
        return "other producers were faster every time: try again";
    default:
        return "tail, head or a control word cannot be true: the memory was "
               "damaged, create it anew";
    }
}

IpcStatus write_commit_status(IpcStatus status)
{
    return (int)status <= WRITE_NO_HANDLE ? IPC_ERR_INVALID_ARGUMENT : status;
}

const char *write_commit_detail(IpcStatus status)
{
    switch ((int)status) {
    case WRITE_NO_HANDLE:
        return blame_handle();
    case WRITE_NO_RESERVATION:
        return "reservation is NULL: pass the one that reserve has filled";
    case WRITE_NOT_OURS:
        return "the reservation is not one of this handle: give it to the "
               "handle that reserved it, unchanged";
    case WRITE_SIZE_0:
        return "size is 0: an entry has at least one byte; abort the "
               "reservation if there is none";
    case WRITE_SIZE_ABOVE:
        return "size is above the reserved size: no more than that was "
               "claimed; reserve the most that an entry may have";
    case IPC_ERR_FORMATTED_ANEW:
        return handle_formatted_anew;
    default:
        return "the reservation is not open: it was committed or aborted "
               "before, or made by another process, as before a fork: reserve "
               "anew";
    }
}

IpcBufferWriteError write_body(const struct IpcBuffer *b, size_t size)
{
    IpcBufferWriteError body = {.requested_size = size};
    const struct ring *r;
    uint64_t tail, head, used, free_blocks, fit;

    if (!b)
        return body;
    r = &b->ring;
    body.required_size =
        size > SIZE_MAX - SHMIPC_BLOCK
            ? SIZE_MAX
            : (size + SHMIPC_BLOCK - 1) / SHMIPC_BLOCK * SHMIPC_BLOCK;
    body.buffer_size = (uint64_t)r->block_count * SHMIPC_BLOCK;
    /* A description of a moment. */
    tail = protocol_tail(r);
    head = protocol_head(r);
    used = (uint64_t)position_distance(r, head, tail);
    if (!position_is_valid(r, tail) || used > r->block_count)
        return body;
    free_blocks = r->block_count - used;
    fit = position_blocks_left(r, tail);
    body.offset = position_offset(r, tail);
    body.free_space = free_blocks * SHMIPC_BLOCK;
    body.available_contiguous =
        (fit < free_blocks ? fit : free_blocks) * SHMIPC_BLOCK;
    return body;
}
