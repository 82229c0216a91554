/* SPDX-License-Identifier: MIT */
/*
 * What must hold where subscribers read. In every state: the gate has passed no
 * cursor, and each entry whose write began after a subscriber had joined, and
 * was told IPC_OK, was read by it or is still there for it. Each entry that it
 * reads is whole, once, and in the order of the ring. When all have died,
 * writers get on, and so do all who come then.
 */
#include "buffer/subscribe.h"
#include "buffer/write.h"
#include "model.h"

static struct IpcBuffer *handle(int actor)
{
    return &world.channels[actor == CHECKER ? CHECKER : scripts[actor].handle]
                .buffer;
}

static const struct ring *ring(void)
{
    return &world.channels[CHECKER].buffer.ring;
}

bool broadcast_is(void)
{
    return running->flags & IPC_BUFFER_BROADCAST;
}

uint64_t broadcast_hash(void)
{
    return mix_bytes(1, world.readings, sizeof world.readings);
}

/* ------------------------------------------------------------------ calls */

static uint64_t bit_of(uint32_t id)
{
    return UINT64_C(1) << id;
}

static uint32_t dead_ones(void)
{
    uint32_t bits = 0;

    for (int i = 0; i < actor_count; i++)
        bits |= (uint32_t)(world.actors[i].state == DEAD) << i;
    return bits;
}

/* A call of the actor begins: what that means to those who have joined. */
void broadcast_begin(int actor)
{
    const struct call *call = &scripts[actor].calls[world.actors[actor].call];

    world.readings[actor].dead = dead_ones();
    if (!strchr(CALLS_WRITE, call->kind))
        return;
    for (int i = 0; i < actor_count; i++)
        if (world.readings[i].joined && !newest_is_sought(i))
            world.readings[i].must |=
                bit_of(actor_id(actor, world.actors[actor].call));
}

/* Behind a gap only what comes next is owed. */
void broadcast_end(int actor, IpcStatus status)
{
    if (status == IPC_ERR_LAGGED)
        world.readings[actor].must = 0;
    world.readings[actor].dead = 0;
}

static uint64_t written_so_far(void)
{
    uint64_t bits = 0;

    for (int i = 0; i < actor_count; i++)
        for (int c = 0; c < world.actors[i].call; c++)
            bits |= bit_of(actor_id(i, c));
    return bits;
}

static uint64_t cursor_in(uint32_t slot)
{
    return memory_peek(&ring()->subscribers[slot].cursor.position,
                       sizeof(uint64_t));
}

/* While no writer comes in between, whoever finds all slots taken finds none
 * that belongs to one who had died before. */
static void check_full(const struct reading *reading)
{
    const struct ring *r = ring();

    for (uint32_t i = 0; i < r->subscriber_count; i++) {
        uint64_t cursor = cursor_in(i);
        bool joins = cursor_state(r, cursor) >= SUBSCRIBER_JOINING;
        int process = joins && cursor != cursor_free(r)
                          ? entered_process_of(cursor_owner(r, cursor))
                          : -1;

        if (process >= 0 && reading->dead & 1u << process)
            violation("all slots are taken, one by a joiner that had died");
    }
}

static bool somebody_writes(void)
{
    for (int i = 0; i < actor_count; i++)
        for (int c = 0; c < scripts[i].count; c++)
            if (strchr(CALLS_WRITE, scripts[i].calls[c].kind))
                return true;
    return false;
}

IpcStatus broadcast_call(int actor, char kind)
{
    IpcSubscription how = {.struct_size = sizeof how};
    struct reading *reading = &world.readings[actor];
    IpcStatus status;
    const char *detail;
    int64_t value;

    if (kind == CALL_LEAVE) {
        *reading = (struct reading){.joined = false};
        return subscribe_end(handle(actor), &detail);
    }
    *reading = (struct reading){.joining = true, .dead = reading->dead};
    /* In weak memory the end of a call is not known to others. */
    if (kind == CALL_JOIN && !options.weak)
        reading->never = written_so_far();
    if (kind != CALL_JOIN)
        how.from = IPC_SUBSCRIBE_FROM_OLDEST;
    if (kind == CALL_JOIN_LAGGING) {
        how.policy = IPC_SUBSCRIBER_LAGS;
        how.after_gap = IPC_SUBSCRIBE_FROM_OLDEST;
    }
    status = subscribe_begin(handle(actor), &how, &detail, &value);
    if (status == IPC_ERR_OWNERS_FULL && !somebody_writes())
        check_full(reading);
    reading->joining = false;
    reading->joined = status == IPC_OK;
    return status;
}

/* ----------------------------------------------------------------- checks */

void broadcast_check_entry(uint32_t id, uint64_t offset)
{
    struct reading *reading = &world.readings[current];

    if (reading->got && offset <= reading->offset)
        violation("a subscriber read entries in a wrong order, or twice");
    reading->offset = offset;
    if (id >= CHECKER_ID) {
        reading->got |= 1;
        return;
    }
    if (reading->got & bit_of(id))
        violation("a subscriber read entry %u twice", id);
    if (reading->never & bit_of(id))
        violation("a subscriber of now read entry %u, which is older", id);
    reading->got |= bit_of(id) | 1;
}

static void check_cursor(uint32_t slot)
{
    const struct ring *r = ring();
    uint64_t cursor = cursor_in(slot);
    uint64_t gate = memory_latest(LOCATION_HEAD);

    if (cursor_state(r, cursor) == SUBSCRIBER_READS &&
        (!cursor_holds(r, cursor) ||
         position_distance(r, gate, position_of_head(cursor)) < 0))
        violation("the gate has passed the cursor in slot %u", slot);
}

/* The numbers of the entries from there on. */
static uint64_t entries_from(uint64_t position)
{
    const struct ring *r = ring();
    uint64_t bits = 0;

    for (uint32_t i = 0; i <= 2 * r->block_count; i++) {
        uint32_t index = position_index(r, position);
        uint64_t word = memory_latest(location_control(index));
        uint32_t id;

        if (control_tag(word) != position_tag(r, position) ||
            control_state(word) == CONTROL_FREE)
            word = control_make(0, 1, CONTROL_SKIP); /* a gap */
        if (control_state(word) == CONTROL_BUSY)
            word = control_make(0, 1, CONTROL_SKIP);
        id = (uint32_t)(memory_peek(position_payload(r, position), 8) >> 32);
        if (control_state(word) == CONTROL_READY && id < CHECKER_ID)
            bits |= bit_of(id);
        position = position_advance(r, position, control_extent(word));
        if (position_distance(r, position, tail_now()) <= 0 && !r->one_producer)
            break;
    }
    return bits;
}

/* What it has to get and was written. */
static uint64_t owed_to(int reader)
{
    uint64_t bits = 0;

    for (int i = 0; i < actor_count; i++)
        for (int c = 0; c < world.actors[i].call; c++)
            if (scripts[i].calls[c].commit > 0 &&
                world.actors[i].results[c].status == IPC_OK)
                bits |= bit_of(actor_id(i, c));
    return bits & world.readings[reader].must;
}

/* Nobody takes one that lives for dead, or evicts one that is to be waited for.
 */
static void check_stay(int reader, uint64_t cursor)
{
    const struct shm_subscriber *s = &ring()->subscribers[handle(reader)->slot];
    uint32_t owner = handle(reader)->owner;
    enum subscriber_state state = cursor_state(ring(), cursor);

    if (memory_peek(&s->owner, sizeof s->owner) != owner ||
        cursor == cursor_free(ring()))
        violation("subscriber %c lives, and was removed", 'A' + reader);
    if (state == SUBSCRIBER_EVICTED &&
        memory_peek(&s->policy, sizeof s->policy) == SUBSCRIBER_BLOCKS)
        violation("subscriber %c was evicted, and is to be waited for",
                  'A' + reader);
}

static void check_reader(int reader)
{
    const struct reading *reading = &world.readings[reader];
    uint64_t cursor, owed, missing;

    if (!reading->joined || world.actors[reader].state == DEAD)
        return;
    cursor = cursor_in(handle(reader)->slot);
    check_stay(reader, cursor);
    owed = owed_to(reader) & ~reading->got;
    if (!owed || cursor_state(ring(), cursor) != SUBSCRIBER_READS)
        return;
    missing = owed & ~entries_from(position_of_head(cursor));
    if (missing)
        violation("entries %#llx are lost for subscriber %c",
                  (unsigned long long)missing, 'A' + reader);
}

void broadcast_check_state(void)
{
    for (uint32_t i = 0; i < ring()->subscriber_count; i++)
        check_cursor(i);
    for (int i = 0; i < actor_count; i++)
        check_reader(i);
    newest_check_state();
}

/* --------------------------------------------------------------- stopping */

static IpcStatus write_one(void)
{
    uint32_t id = CHECKER_ID + (uint32_t)world.checker_written;
    IpcStatus status;

    if (world.checker_written == CHECKER_IDS)
        harness_error("the checker wrote too much");
    status = script_write(CHECKER, id, 8);
    trace_result(CHECKER, &(struct result){.status = status, .id = id});
    world.checker_written += status == IPC_OK;
    return status;
}

/* Nobody who lives is in the way: so many looks suffice to remove the dead. */
static void must_get_on(void)
{
    for (uint32_t i = 0; i < 2 * ring()->block_count + 1; i++) {
        IpcStatus status;
        int looks = 0;

        do {
            status = write_one();
            newest_check_state();
        } while (status == IPC_ERR_NO_SPACE_CONTIGUOUS && looks++ < 100);
        if (status != IPC_OK)
            violation("writing, though all others are dead: %s",
                      ipc_status_name(status));
    }
}

static void must_read_what_is_there(void)
{
    IpcSubscription how = {.struct_size = sizeof how,
                           .from = IPC_SUBSCRIBE_FROM_OLDEST};
    struct result result;
    const char *detail;
    int64_t value;
    uint32_t count = 0;

    world.readings[CHECKER] = (struct reading){.joined = true};
    if (subscribe_begin(handle(CHECKER), &how, &detail, &value) != IPC_OK)
        violation("all others are dead, and nobody can subscribe: %s", detail);
    while (script_read(CHECKER, &result) == IPC_OK)
        count++;
    if (count == 0)
        violation("nothing is left for who comes late");
    subscribe_end(handle(CHECKER), &detail);
}

static void all_die(void)
{
    for (int i = 0; i < actor_count; i++)
        world.actors[i].state = DEAD;
    if (judged_dead(false))
        return;
    trace_event(CHECKER, "all others are dead now");
    must_get_on();
    must_read_what_is_there();
}

/* Who sleeps while it joins is waited for by nobody. */
static void nobody_waits_for_a_joiner(void)
{
    const struct ring *r = ring();

    for (uint32_t i = 0; i < r->subscriber_count; i++)
        if (cursor_state(r, cursor_in(i)) == SUBSCRIBER_JOINING &&
            cursor_in(i) != cursor_free(r))
            violation("who joins in slot %u holds up writers", i);
}

/* The others sleep; one that writes gets as far as it can. Then they go on. */
static void all_sleep(void)
{
    trace_event(CHECKER, "all others are asleep now");
    for (int i = 0; i < actor_count; i++)
        world.readings[i].dead = 0; /* it is a writer that comes */
    for (uint32_t i = 0; i < 2 * ring()->block_count + 1; i++) {
        IpcStatus status = write_one();

        if (status == IPC_ERR_NO_SPACE_CONTIGUOUS)
            nobody_waits_for_a_joiner();
        if (status != IPC_OK)
            break;
    }
    broadcast_check_state();
    for (int i = 0; i < actor_count; i++) {
        if (world.actors[i].state != RUNS)
            continue;
        trace_event(i, "wakes up");
        while (world.actors[i].state == RUNS) {
            schedule_step(i, 0);
            broadcast_check_state();
        }
    }
}

void broadcast_check_stopped(void)
{
    static struct snapshot *before;

    before = snapshot_make(before);
    all_sleep();
    all_die();
    snapshot_restore(before);
    all_die();
}
