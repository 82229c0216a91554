/* SPDX-License-Identifier: MIT */
#include "buffer/recover.h"

#include "debug.h"

/* Owners that a walk of RECOVER_SOME asks the kernel about. */
enum { JUDGED_MAX = 64 };

/* Whether the owner in a BUSY or a holder's word is gone for good. */
static bool is_dead(struct IpcBuffer *b, uint64_t word)
{
    return owner_fate(&b->ring.owners, control_value(word)) == OWNER_IS_DEAD;
}

/* Removes the claim, whose owner is dead. */
static bool recover(struct IpcBuffer *b, const struct view *view)
{
    struct ring *r = &b->ring;

    if (!repair_recover(r, view->position, view->word))
        return false;
    DEBUG_SAY("process %u died while it wrote at offset %llu: what it claimed "
              "there is removed",
              owner_pid(&r->owners, control_value(view->word)),
              (unsigned long long)take_offset(r, view));
    return true;
}

bool recover_revoke(struct IpcBuffer *b, uint64_t position)
{
    if (repair_revoke(&b->ring, position) == 0)
        return false;
    DEBUG_SAY("a process was stopped or killed before it wrote what it had "
              "claimed at offset %llu: that is removed",
              (unsigned long long)position_offset(&b->ring, position));
    return true;
}

/* What is known of the last owner that was found dead: most often several
 * claims in a row are its. */
struct verdict {
    uint32_t dead; /* 0: none so far */
    uint32_t judged;
};

static bool is_known_dead(struct IpcBuffer *b, struct verdict *known,
                          uint64_t word)
{
    uint32_t owner = control_value(word);

    if (known->dead == owner && owner != 0)
        return true;
    known->judged++;
    if (!is_dead(b, word))
        return false;
    known->dead = owner;
    return true;
}

/* Where subscribers read, all behind the gate matters, and first of all what
 * holds this one up. */
static uint64_t where_to_begin(struct IpcBuffer *b, enum recover_extent extent)
{
    const struct ring *r = &b->ring;

    if (r->subscriber_count &&
        (extent == RECOVER_ALL || !handle_may_consume(b)))
        return protocol_head(r);
    return handle_read_end(b);
}

/* Gives an entry back that a dead process held. */
static bool give_back(struct IpcBuffer *b, struct verdict *known,
                      const struct view *view)
{
    struct ring *r = &b->ring;
    /* Acquire [taken]: the slot of the owner. */
    uint64_t word = atomic_get_acquire(hold_word_at(r, view->position));

    if (known->judged >= JUDGED_MAX ||
        !hold_is_held(hold_state_of(r, view->position, word)) ||
        !is_known_dead(b, known, word) ||
        !hold_give_back(r, view->position, word))
        return false;
    DEBUG_SAY("process %u died before it acknowledged the entry at offset "
              "%llu: that can be read again",
              owner_pid(&r->owners, control_value(word)),
              (unsigned long long)take_offset(r, view));
    return true;
}

/*
 * Walks from where reading goes on over what readers will pass, and removes
 * dead claims and gaps on the way; finishes a closing. It does not move head:
 * in one-consumer mode only the consumer may, and it may be doing so right now.
 */
IpcStatus recover_dead(struct IpcBuffer *b, enum recover_extent extent,
                       bool force, uint64_t *removed, uint64_t *offset)
{
    struct verdict known = {0};
    struct ring *r;
    struct view view;
    uint64_t head, steps;

    *removed = 0;
    if (!b)
        return IPC_ERR_INVALID_ARGUMENT;
    r = &b->ring;
    if (b->observes)
        return IPC_ERR_READ_ONLY;
    if (creation_is_over(r))
        return IPC_ERR_FORMATTED_ANEW;
    close_finish(r);
    if (force)
        owner_force_out(&r->owners);
    head = where_to_begin(b, extent);
    steps = 2 * (uint64_t)r->block_count;
    if (extent == RECOVER_SOME && steps > PROTOCOL_STEPS)
        steps = PROTOCOL_STEPS;
    for (uint64_t i = 0; i <= steps; i++) {
        enum look look = take_look_at(r, head, &view);

        *offset = take_offset(r, &view);
        switch (look) {
        case LOOK_FILLER:
            head = view.next;
            break;
        case LOOK_BUSY:
            if ((extent == RECOVER_SOME && known.judged == JUDGED_MAX) ||
                !is_known_dead(b, &known, view.word))
                return IPC_ERR_NOT_READY;
            *removed += recover(b, &view);
            break;
        case LOOK_NOTHING:
            if (!repair_is_gap(r, view.position) ||
                !recover_revoke(b, view.position))
                return IPC_OK;
            *removed += 1;
            break;
        case LOOK_ENTRY:
            if (r->subscriber_count == 0 && !r->holders)
                return IPC_OK;
            *removed += r->holders && give_back(b, &known, &view);
            head =
                position_advance(r, view.position, control_extent(view.word));
            break;
        case LOOK_RACED:
        case LOOK_DAMAGE:
            return IPC_ERR_CORRUPTED;
        }
    }
    return IPC_OK;
}

static IpcStatus skipped(bool by_us)
{
    return by_us ? IPC_OK : IPC_ALREADY_SKIPPED;
}

/* Moves the head over one block whose word means nothing. */
static IpcStatus skip_damaged(struct ring *r, const struct view *view)
{
    if (!position_is_valid(r, view->position))
        return IPC_ERR_CORRUPTED;
    return skipped(
        take_move(r, view->head, position_advance(r, view->position, 1)));
}

/* What is at head, after it was moved over what is over. */
static enum look look_to_skip(struct ring *r, struct view *view)
{
    enum look look;

    if (!r->holders)
        return take_look(r, view);
    hold_release(r);
    /* Acquire [head]: words that were replaced before are gone. */
    look = take_look_at(r, atomic_get_acquire(&r->head->position), view);
    return look == LOOK_FILLER ? LOOK_RACED : look;
}

/* Takes an entry out, unless a process that lives holds it. */
static IpcStatus skip_entry(struct IpcBuffer *b, const struct view *view)
{
    struct ring *r = &b->ring;
    uint64_t word;
    bool by_us;

    if (!r->holders)
        return skipped(take_move(r, view->head, view->next));
    /* Acquire [taken]: the slot of the owner. */
    word = atomic_get_acquire(hold_word_at(r, view->position));
    if (hold_is_held(hold_state_of(r, view->position, word)) &&
        !is_dead(b, word))
        return IPC_ERR_LOCKED;
    by_us = hold_state_of(r, view->position, word) < HOLD_DONE &&
            hold_acknowledge(r, view->position, word);
    hold_release(r);
    return skipped(by_us);
}

IpcStatus recover_skip(struct IpcBuffer *b, uint64_t *offset)
{
    struct ring *r;
    struct view view;
    IpcStatus status;
    enum look look;

    if (!b)
        return IPC_ERR_INVALID_ARGUMENT;
    r = &b->ring;
    status = handle_unless_anew(b, IPC_OK);
    if (status == IPC_OK && (r->one_consumer || r->subscriber_count) &&
        !handle_may_consume(b))
        status = handle_leads(b) ? IPC_ERR_ILLEGAL_STATE : handle_consume(b);
    if (status != IPC_OK)
        return status;
    look = look_to_skip(r, &view);
    *offset = take_offset(r, &view);
    switch (look) {
    case LOOK_ENTRY:
        return skip_entry(b, &view);
    case LOOK_NOTHING:
        if (!repair_is_gap(r, view.position))
            return IPC_EMPTY;
        return skipped(recover_revoke(b, view.position));
    case LOOK_BUSY:
        if (!is_dead(b, view.word))
            return IPC_ERR_LOCKED;
        return skipped(recover(b, &view));
    case LOOK_RACED:
        return IPC_ERR_LOCKED;
    case LOOK_FILLER:
    case LOOK_DAMAGE:
        break;
    }
    return skip_damaged(r, &view);
}
