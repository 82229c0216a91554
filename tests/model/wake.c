/* SPDX-License-Identifier: MIT */
/*
 * Channels: calls that may sleep, who wakes whom, and what must not happen:
 * that somebody sleeps for ever although what it waits for is there. The cap on
 * sleeps, which bounds what a lost wake-up costs, does not exist here; only
 * after a death does a sleeper wake up by itself.
 */
#include "buffer/read.h"
#include "buffer/recover.h"
#include "buffer/write.h"
#include "channel/receive.h"
#include "channel/send.h"
#include "channel/watch.h"
#include "model.h"
#include "model_payload.h"
#include "wait/futex.h"
#include <string.h>

static bool is_channel; /* asked at every step */

void wake_begin(void)
{
    is_channel = false;
    for (int i = 0; i < actor_count; i++)
        for (int c = 0; c < scripts[i].count; c++)
            is_channel |= strchr(CALLS_CHANNEL, scripts[i].calls[c].kind) != 0;
}

bool wake_is_channel(void)
{
    return is_channel;
}

/* What configuring a handle leaves, but for spinning. */
void wake_join(int handle)
{
    struct IpcChannel *ch = &world.channels[handle];

    ch->waiter.backend = &wait_backend_futex;
    ch->waiter.event_fd = -1;
    ch->start_sleep = 1;
    ch->max_sleep = 1;
    ch->max_round_trips = 1;
    wait_join(&ch->waiter, ch->buffer.region, ch->buffer.ring.one_producer,
              ch->buffer.ring.one_consumer);
}

/* ----------------------------------------------------------------- calls */

static struct IpcChannel *channel_of(int actor)
{
    return &world.channels[scripts[actor].handle];
}

static IpcStatus send_one(struct block block, uint32_t id, uint32_t size)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];

    script_fill(data, id, size);
    return send_entry(&block, data, size);
}

static IpcStatus receive(int actor, struct block block, struct result *result)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];
    IpcEntry entry = {0, data, sizeof data};
    IpcBufferReadError error;
    IpcStatus status = receive_entry(&block, &entry, &error);

    if (status == IPC_OK) {
        memory_taken(actor);
        check_entry(data, entry.size, entry.offset, result);
    }
    return status;
}

/* As lib/waitset: announces itself once, and sleeps again without that after it
 * was woken for the sake of another channel. (Where somebody dies a sleep ends
 * by itself once only: then the channel has its turn.) */
static IpcStatus receive_in_set(int actor, struct result *result)
{
    struct IpcChannel *ch = channel_of(actor);
    IpcStatus status;
    uint32_t seen;

    do {
        status = watch_look(ch, WATCHER_READS);
        if (!watch_is_ready(status))
            status = watch_announce(ch, WATCHER_READS, &seen);
        if (watch_is_ready(status)) {
            status = receive(actor, block_never(ch, WAIT_READERS), result);
            continue;
        }
        if (!running->kills)
            futex_sleep(watch_word(ch), seen, 0);
        if (atomic_get_relaxed(watch_word(ch)) == seen)
            futex_sleep(watch_word(ch), seen,
                        status == IPC_ERR_NOT_READY ? 0 : WAIT_CAP_NS);
    } while (!watch_is_ready(status) || status == IPC_ERR_LOCKED);
    return status;
}

static IpcStatus send_reserved(int actor, const struct call *call, uint32_t id)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];
    struct IpcChannel *ch = channel_of(actor);
    struct block block = block_never(ch, WAIT_WRITERS);
    uint32_t size = call->commit ? call->commit : call->size;
    IpcReservation reservation;
    IpcStatus status;

    while (block_again(&block, &status))
        status = send_tell(
            &block, write_reserve(&ch->buffer, call->size, &reservation));
    if (status != IPC_OK)
        return status;
    script_fill(data, id, size);
    payload_store(reservation.payload, data, size);
    return call->commit ? send_commit(ch, &reservation, size)
                        : send_abort(ch, &reservation);
}

IpcStatus wake_call(int actor, const struct call *call, uint32_t id,
                    struct result *result)
{
    struct IpcChannel *ch = channel_of(actor);
    uint64_t removed, offset;

    switch (call->kind) {
    case CALL_SEND:
        return send_one(block_until(ch, WAIT_WRITERS, NULL), id, call->size);
    case CALL_TRY_SEND:
        return send_one(block_never(ch, WAIT_WRITERS), id, call->size);
    case CALL_SEND_RESERVED:
        return send_reserved(actor, call, id);
    case CALL_RECEIVE:
        return receive(actor, block_until(ch, WAIT_READERS, NULL), result);
    case CALL_TRY_RECEIVE:
        return receive(actor, block_never(ch, WAIT_READERS), result);
    case CALL_RECEIVE_IN_SET:
        return receive_in_set(actor, result);
    case CALL_REPAIR:
        return channel_recover(ch, RECOVER_ALL, false, &removed, &offset);
    case CALL_INTERRUPT:
        wait_interrupt(&ch->waiter);
        return IPC_OK;
    default:
        channel_close(ch);
        return IPC_OK;
    }
}

bool wake_is_interrupted(int actor)
{
    return memory_peek(&channel_of(actor)->waiter.interrupted,
                       sizeof(atomic_u32)) != 0;
}

/* A reader has taken the entry at that head word, and will say so when it
 * returns; if it does not, the entry went with it. */
void wake_note_take(struct actor *a, uint64_t head)
{
    const struct ring *r = &world.channels[CHECKER].buffer.ring;
    uint64_t word = memory_latest(
        location_control(position_index(r, position_of_head(head))));
    char kind = scripts[a - world.actors].calls[a->call].kind;

    if ((kind == CALL_RECEIVE || kind == CALL_TRY_RECEIVE ||
         kind == CALL_RECEIVE_IN_SET) &&
        control_state(word) == CONTROL_READY)
        a->took = true;
}

/* -------------------------------------------------------------- sleeping */

static bool others_run(int actor)
{
    for (int i = 0; i < actor_count; i++)
        if (i != actor && world.actors[i].state == RUNS)
            return true;
    return false;
}

static bool somebody_died(void)
{
    for (int i = 0; i < actor_count; i++)
        if (world.actors[i].state == DEAD)
            return true;
    return false;
}

/* Where somebody is dead, who may have been about to wake us, sleeps end too
 * as if by the cap. */
void wake_fall_asleep(int actor, int location, bool nap)
{
    struct actor *a = &world.actors[actor];

    a->state = nap || somebody_died() ? NAPS : SLEEPS;
    a->sleeps_on = location;
    a->steps = 1; /* what it does after a sleep it may do once more */
    a->stirred = false;
}

void wake_after_death(void)
{
    for (int i = 0; i < actor_count; i++)
        if (world.actors[i].state == SLEEPS) {
            world.actors[i].state = NAPS;
            world.actors[i].stirred = true;
        }
}

/* A nap ends when others have done something, and once when nobody runs: a
 * second time would be as the first, since by then all that they did is seen.
 */
bool wake_may_step(int actor)
{
    const struct actor *a = &world.actors[actor];

    return a->state == RUNS ||
           (a->state == NAPS &&
            (a->stirred || (!others_run(actor) && !a->vain)));
}

void wake_begin_step(int actor)
{
    struct actor *a = &world.actors[actor];

    if (a->state == NAPS) {
        a->vain = !a->stirred;
        a->state = RUNS;
        if (a->vain)
            a->stale = 0;
    }
}

/* Something has changed that a napper may be waiting for. */
void wake_stir(void)
{
    for (int i = 0; i < actor_count; i++) {
        world.actors[i].vain = false;
        if (world.actors[i].state == NAPS)
            world.actors[i].stirred = true;
    }
}

/* --------------------------------------------------------------- liveness */

static bool is_stuck(void)
{
    struct IpcBuffer *b = &world.channels[CHECKER].buffer;

    return truth_next_size() == 0 && read_is_stuck(b);
}

/* Writers too move head over filler, and so make room, where it is moved by
 * CAS. */
static bool anybody_passes(void)
{
    return !world.channels[CHECKER].buffer.ring.one_consumer;
}

/* A reader that sleeps could pass filler, and so make room. */
static bool head_is_at_filler(void)
{
    const struct ring *r = &world.channels[CHECKER].buffer.ring;
    uint64_t head = memory_latest(LOCATION_HEAD);
    uint64_t word = memory_latest(
        location_control(position_index(r, position_of_head(head))));
    uint32_t state = control_state(word);

    return control_tag(word) == position_tag(r, position_of_head(head)) &&
           (state == CONTROL_PAD || state == CONTROL_SKIP);
}

static bool somebody_sleeps_in(enum call_kind kind)
{
    for (int i = 0; i < actor_count; i++) {
        const struct actor *a = &world.actors[i];

        if ((a->state == SLEEPS || a->state == NAPS) &&
            scripts[i].calls[a->call].kind == (char)kind)
            return true;
    }
    return false;
}

static bool waits_for_an_entry(const struct call *call)
{
    return call->kind == CALL_RECEIVE || call->kind == CALL_RECEIVE_IN_SET;
}

/* Nobody can go on. Whoever sleeps does so because there is nothing for it. */
void wake_check_sleepers(void)
{
    for (int i = 0; i < actor_count; i++) {
        const struct actor *a = &world.actors[i];
        const struct call *call = &scripts[i].calls[a->call];

        if (a->state != SLEEPS && a->state != NAPS)
            continue;
        if (ring_is_closed())
            violation("%c sleeps for ever, but the channel is closed", 'A' + i);
        if (wake_is_interrupted(i))
            violation("%c sleeps for ever, but it was interrupted", 'A' + i);
        if (waits_for_an_entry(call) && truth_next_size() > 0)
            violation("%c sleeps for ever, but there is an entry", 'A' + i);
        if (call->kind == CALL_SEND && !truth_lacks_room(call->size))
            violation("%c sleeps for ever, but there is room", 'A' + i);
        if (call->kind == CALL_SEND && head_is_at_filler() && anybody_passes())
            violation("%c sleeps for ever before filler that it could pass",
                      'A' + i);
        if (waits_for_an_entry(call) && head_is_at_filler() &&
            somebody_sleeps_in(CALL_SEND))
            violation("%c sleeps for ever before filler, and a writer behind "
                      "it",
                      'A' + i);
        if (waits_for_an_entry(call) && is_stuck())
            violation("%c sleeps for ever behind what nobody repairs", 'A' + i);
    }
}
