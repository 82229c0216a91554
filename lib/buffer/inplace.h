/* SPDX-License-Identifier: MIT */
/*
 * Writing and reading in place: the paths of reserve, commit, peek and skip
 * when nothing is in the way, to be inlined into the public calls of both
 * layers. Of each, false says that nothing was done, and that the function of
 * the same name in write.h or read.h has to.
 */
#ifndef SHMIPC_INPLACE_H
#define SHMIPC_INPLACE_H

#include "buffer/read.h"
#include "buffer/write.h"

static inline void inplace_fill(struct IpcBuffer *b,
                                const struct claim_block *block, size_t size,
                                IpcReservation *dest)
{
    dest->offset = position_offset(&b->ring, block->position);
    dest->payload = block->payload;
    dest->size = size;
    dest->opaque[0] = block->position;
    dest->opaque[1] = handle_owner(b);
}

/* One producer: what nobody but it can have changed is not looked up again. */
static inline bool inplace_reserve_alone(struct IpcBuffer *b, size_t size,
                                         IpcReservation *dest)
{
    struct claim_block block;

    /* Of more than a block no line was asked for as one to come but the last.
     */
    if (size > SHMIPC_BLOCK) {
        if (!claim_alone_plain(&b->ring, control_blocks(size), &block.position))
            return false;
        claim_find_block(&b->ring, &block);
    } else if (!claim_block_alone(&b->ring, &block)) {
        return false;
    }
    claim_tell_taps(&b->ring);
    handle_reserve_alone(b, block.position, size);
    inplace_fill(b, &block, size, dest);
    return true;
}

/* Many producers: a reservation of up to a block. */
static inline bool inplace_reserve_block(struct IpcBuffer *b, size_t size,
                                         IpcReservation *dest)
{
    struct claim_block block;
    uint32_t owner;

    /* Acquire [entry]: `owner`. */
    if (!process_has_token(atomic_get_acquire(&b->writes_shared)) ||
        !claim_block(&b->ring, &block))
        return false;
    owner = handle_owner(b);
    if (!claim_occupy_block(&b->ring, &block, owner))
        return false;
    owner_mark(&b->ring.owners, owner, OWNER_RESERVES);
    inplace_fill(b, &block, size, dest);
    return true;
}

static inline bool inplace_reserve(struct IpcBuffer *b, size_t size,
                                   IpcReservation *dest)
{
    struct claim claim = {.blocks = control_blocks(size)};

    if (!b || !dest || (uint64_t)size - 1 >= b->max_entry_size)
        return false;
    /* Acquire [entry]: `owner`, and that nothing is reserved. */
    if (process_has_token(atomic_get_acquire(&b->writes_alone)))
        return inplace_reserve_alone(b, size, dest);
    if (size <= SHMIPC_BLOCK)
        return inplace_reserve_block(b, size, dest);
    if (!write_claim_shared(b, &claim))
        return false;
    write_fill_reservation(b, &claim, size, dest);
    return true;
}

/* One producer: the reservation is the one that is open, if it is. */
static inline bool inplace_commit_alone(struct IpcBuffer *b,
                                        const IpcReservation *reservation,
                                        size_t size)
{
    uint64_t position = reservation->opaque[0];

    /* Relaxed, both: one thread at a time, by contract. */
    if (!handle_may_produce(b) ||
        atomic_get_relaxed(&b->open_alone) != position ||
        atomic_get_relaxed(&b->open_size) != reservation->size ||
        (uint64_t)size - 1 >= reservation->size ||
        reservation->payload != position_payload(&b->ring, position) ||
        reservation->opaque[1] != handle_owner(b))
        return false;
    handle_reserve_nothing(b);
    claim_commit_alone(&b->ring, position, (uint32_t)size, CONTROL_READY);
    owner_count_entries_alone(b->written, 1);
    return true;
}

/* Many producers: what was reserved is up to a block. */
static inline bool inplace_commit_block(struct IpcBuffer *b,
                                        const IpcReservation *reservation,
                                        size_t size)
{
    const struct ring *r = &b->ring;
    uint64_t position = reservation->opaque[0];
    atomic_u64 *control = position_control(r, position);
    uint64_t tag = control_make(position_tag(r, position), 0, CONTROL_FREE);

    if (!handle_may_produce(b) || !position_is_valid(r, position) ||
        reservation->payload != position_payload(r, position) ||
        reservation->opaque[1] != handle_owner(b))
        return false;
    /* Relaxed: only this process stores it while the claim is open. */
    if (atomic_get_relaxed(control) !=
        (tag | control_make(0, handle_owner(b), CONTROL_BUSY)))
        return false;
    /* Release [commit]: the payload. */
    atomic_put_release(control,
                       tag | control_make(0, (uint32_t)size, CONTROL_READY));
    owner_count_entries_and_fence(b->written, 1);
    return true;
}

static inline bool inplace_commit(struct IpcBuffer *b,
                                  const IpcReservation *reservation,
                                  size_t size)
{
    struct claim claim;

    if (!b || !reservation)
        return false;
    if (b->ring.one_producer)
        return inplace_commit_alone(b, reservation, size);
    if ((uint64_t)size - 1 >= reservation->size)
        return false;
    if (reservation->size <= SHMIPC_BLOCK)
        return inplace_commit_block(b, reservation, size);
    if (!write_find_claim(b, reservation, &claim) ||
        !write_is_open(b, reservation, &claim))
        return false;
    claim_commit(&b->ring, claim.position, claim.blocks, (uint32_t)size,
                 CONTROL_READY);
    owner_count_entries_and_fence(b->written, 1);
    return true;
}

/* `blocks`, by a value that does not come from the control word where entries
 * have as many as the one before. So the CPU, which guesses that the comparison
 * holds, goes on to the next entry while the word is still on its way. */
static inline uint64_t inplace_guess(struct IpcBuffer *b, uint64_t blocks)
{
    uint64_t guess = atomic_hint(&b->peeked_blocks);

    __asm__("" : "+r"(guess)); /* not to be replaced by what it is equal to */
    if (__builtin_expect(blocks != guess, 0)) {
        atomic_set_hint(&b->peeked_blocks, blocks);
        return blocks;
    }
    __asm__("" : "+r"(guess));
    return guess;
}

static inline bool inplace_peek(struct IpcBuffer *b, IpcEntry *dest)
{
    struct look_block block;
    uint64_t blocks;
    bool alone;

    if (!b || !dest)
        return false;
    /* Relaxed: see handle_may_consume(). */
    alone = process_has_token(atomic_get_relaxed(&b->reads_alone));
    if ((!alone && !read_may_take(b)) ||
        !take_look_inside(&b->ring, &block, &blocks))
        return false;
    dest->offset = take_block_offset(&b->ring, &block);
    dest->payload = b->ring.blocks + block.index * SHMIPC_BLOCK;
    dest->size = (size_t)block.size;
    if (alone) {
        atomic_set_hint(&b->peeked, block.position);
        atomic_set_hint(&b->after_peeked,
                        block.position + inplace_guess(b, blocks));
        atomic_set_hint(&b->peeked_offset, dest->offset);
    }
    return true;
}

/* One consumer: the entry that was peeked last, if it is at the head still. */
static inline bool inplace_skip_peeked(struct IpcBuffer *b, uint64_t offset)
{
    uint64_t next = atomic_hint(&b->after_peeked);
    /* Relaxed: only we move it. */
    uint64_t head = atomic_get_relaxed(&b->ring.head->position);
    size_t size = (size_t)(next - head) * SHMIPC_BLOCK;

    if (head != atomic_hint(&b->peeked) ||
        offset != atomic_hint(&b->peeked_offset))
        return false;
    if (__builtin_expect(size > SHMIPC_BLOCK, 0) && give_pays(b, size))
        give_lines(position_payload(&b->ring, head), size);
    atomic_set_hint(&b->run, atomic_hint(&b->run) + 1);
    /* Release [head]: our loads of the blocks come first. */
    atomic_put_release(&b->ring.head->position, next);
    return true;
}

static inline bool inplace_skip(struct IpcBuffer *b, uint64_t offset)
{
    struct look_block block;
    uint64_t blocks;

    if (!b)
        return false;
    /* Relaxed: see handle_may_consume(). */
    if (process_has_token(atomic_get_relaxed(&b->reads_alone)))
        return inplace_skip_peeked(b, offset);
    if (!read_may_take(b) || !take_look_inside(&b->ring, &block, &blocks) ||
        offset != take_block_offset(&b->ring, &block) ||
        !take_move(&b->ring, block.position, block.position + blocks))
        return false;
    atomic_set_hint(&b->run, atomic_hint(&b->run) + 1);
    return true;
}

#endif
