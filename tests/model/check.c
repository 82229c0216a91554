/* SPDX-License-Identifier: MIT */
/*
 * What must hold in every state: everybody who has not finished stops there
 * for ever, dead or asleep, and a checker does what survivors would do.
 */
#include "buffer/recover.h"
#include "model.h"
#include <string.h>

uint64_t crash_points;

static struct IpcBuffer *checker(void)
{
    return &world.channels[CHECKER].buffer;
}

/* --------------------------------------------------------------- entries */

static void check_order(int actor, int call, uint64_t offset)
{
    for (int i = 0; i < MAX_CALLS; i++)
        if (world.read_count[actor][i] && i != call &&
            (i < call) != (world.read_offset[actor][i] < offset))
            violation("entries of one producer are in the wrong order");
}

/* One that an actor has written. */
static void check_written(int actor, int call, size_t size)
{
    const struct actor *a;

    if (actor >= actor_count || call >= scripts[actor].count)
        violation("an entry that nobody wrote");
    a = &world.actors[actor];
    if (call >= a->call + script_together(actor, a->call) ||
        scripts[actor].calls[call].commit != size)
        violation("an entry of a wrong length or not written yet");
    if (call < a->call && a->results[call].status != IPC_OK)
        violation("an entry whose write failed or was aborted");
}

static void check_actors_entry(uint32_t id, size_t size, uint64_t offset)
{
    int actor = (int)(id - 1) / MAX_CALLS;
    int call = (int)(id - 1) % MAX_CALLS;

    check_written(actor, call, size);
    if (world.read_count[actor][call]++)
        violation("entry %u was read twice", id);
    world.read_offset[actor][call] = offset;
    check_order(actor, call, offset);
}

/* Is it whole? Its number. */
uint32_t check_whole(const unsigned char *payload, size_t size)
{
    uint64_t word, wanted;
    uint32_t id;

    memcpy(&word, payload, sizeof word);
    id = (uint32_t)(word >> 32);
    for (uint32_t i = 0; i < size; i += 8) {
        wanted = (uint64_t)id << 32 | size << 8 | (i / chunk_size() + 1);
        word = wanted;
        memcpy(&word, payload + i, size - i < 8 ? size - i : 8);
        if (word != wanted)
            violation("a torn entry: the word at byte %u of %zu is %#llx", i,
                      size, (unsigned long long)word);
    }
    return id;
}

/* An entry was seen, and not taken: whole and known? */
void check_seen(const unsigned char *payload, size_t size, uint64_t offset,
                struct result *result)
{
    uint32_t id = check_whole(payload, size);

    result->id = id;
    result->offset = offset;
    if (id < CHECKER_ID)
        check_written((int)(id - 1) / MAX_CALLS, (int)(id - 1) % MAX_CALLS,
                      size);
    else if (id - CHECKER_ID >= (uint32_t)world.checker_written)
        violation("entry %u was never written", id);
}

/* An entry was read: whole, known, and for the first time? */
void check_entry(const unsigned char *payload, size_t size, uint64_t offset,
                 struct result *result)
{
    uint32_t id = check_whole(payload, size);

    result->id = id;
    result->offset = offset;
    if (broadcast_is()) {
        broadcast_check_entry(id, offset);
        return;
    }
    if (id < CHECKER_ID)
        check_actors_entry(id, size, offset);
    else if (id - CHECKER_ID >= (uint32_t)world.checker_written ||
             world.checker_read[id - CHECKER_ID]++)
        violation("entry %u was read twice or never written", id);
}

/* Entries that skip_force was told to drop. */
static int forced_losses(void)
{
    int losses = 0;

    for (int i = 0; i < actor_count; i++)
        for (int c = 0; c < world.actors[i].call; c++)
            losses += scripts[i].calls[c].kind == CALL_FORCE &&
                      world.actors[i].results[c].status == IPC_OK;
    return losses;
}

/* Entries that went with readers who had taken them but did not return. */
static int entries_in_hand(void)
{
    int count = 0;

    for (int i = 0; i < actor_count; i++)
        count += world.actors[i].took && world.actors[i].state != DONE;
    return count;
}

/* Of a batch or array that its writer did not finish, the first few were
 * written. */
static void account_unfinished(int actor)
{
    const struct actor *a = &world.actors[actor];
    int end = a->call + script_together(actor, a->call);
    bool missing = false;

    for (int c = a->call; c < end; c++) {
        if (missing && world.read_count[actor][c])
            violation("entry %u of several without those before it",
                      actor_id(actor, c));
        missing |= !world.read_count[actor][c];
    }
}

/* The ring is empty: all that was committed was read, nothing else was. */
static void account(void)
{
    int losses = forced_losses() + entries_in_hand();

    for (int i = 0; i < actor_count; i++) {
        const struct actor *a = &world.actors[i];

        for (int c = 0; c < a->call; c++) {
            bool committed = scripts[i].calls[c].commit > 0 &&
                             a->results[c].status == IPC_OK;

            if (committed && !world.read_count[i][c] && losses-- <= 0)
                violation("entry %u was lost", actor_id(i, c));
            if (!committed && world.read_count[i][c])
                violation("entry %u was read, but its write failed",
                          actor_id(i, c));
        }
        if (!forced_losses())
            account_unfinished(i);
    }
    for (int i = 0; i < world.checker_written; i++)
        if (!world.checker_read[i] && losses-- <= 0)
            violation("entry %d of the checker was lost", CHECKER_ID + i);
}

/* ----------------------------------------------------------- the checker */

static IpcStatus checker_write(uint32_t size)
{
    uint32_t id = CHECKER_ID + (uint32_t)world.checker_written;
    IpcStatus status;

    if (world.checker_written == CHECKER_IDS)
        harness_error("the checker wrote too much");
    world.checker_written++;
    status = script_write(CHECKER, id, size);
    if (status != IPC_OK)
        world.checker_written--;
    trace_result(CHECKER, &(struct result){status, id, 0, 0});
    if (!options.weak)
        truth_moment();
    return status;
}

static IpcStatus checker_read(void)
{
    struct result result = {0};

    result.status = script_read(CHECKER, &result);
    trace_result(CHECKER, &result);
    if (!options.weak)
        truth_moment();
    return result.status;
}

static IpcStatus checker_recover(void)
{
    uint64_t removed, offset;
    IpcStatus status = recover_dead(checker(), RECOVER_ALL, running->strangers,
                                    &removed, &offset);

    if (!options.weak)
        truth_moment();
    return status;
}

uint64_t tail_now(void)
{
    return memory_latest(LOCATION_TAIL) & ~SHMIPC_TAIL_CLOSED;
}

static bool is_empty(void)
{
    return memory_latest(LOCATION_HEAD) == tail_now() ||
           checker()->ring.one_producer;
}

/* Behind filler, the head stands before the claim of somebody who lives. */
static bool living_writer_at_head(void)
{
    const struct ring *r = &checker()->ring;
    uint64_t position = position_of_head(memory_latest(LOCATION_HEAD));
    uint64_t word = 0;
    int process;

    for (uint32_t i = 0; i <= r->block_count; i++) {
        word = memory_latest(location_control(position_index(r, position)));
        if (control_tag(word) != position_tag(r, position))
            return false;
        if (control_state(word) != CONTROL_PAD &&
            control_state(word) != CONTROL_SKIP)
            break;
        position = position_advance(r, position, control_value(word));
    }
    process = (int)owner_pid(&r->owners, control_value(word)) - 100;
    for (int i = 0; i < actor_count; i++)
        if (control_state(word) == CONTROL_BUSY &&
            scripts[i].process == process && world.actors[i].state == RUNS)
            return true;
    return false;
}

/* Nobody died, stopped or revoked anything. */
static bool is_undisturbed(void)
{
    if (running->flags & IPC_BUFFER_ACKNOWLEDGE)
        return false; /* who holds an entry does something */
    for (int i = 0; i < actor_count; i++) {
        if (world.actors[i].state != DONE)
            return false;
        for (int c = 0; c < scripts[i].count; c++)
            if (strchr("vgfxdoV", scripts[i].calls[c].kind))
                return false;
    }
    return true;
}

/* Then there is nothing to recover either. */
static void drain_undisturbed(void)
{
    uint32_t rounds = 3 * checker()->ring.block_count;
    IpcStatus status;

    do
        status = checker_read();
    while (status == IPC_OK && rounds-- > 0);
    if ((status != IPC_EMPTY && status != IPC_ERR_CLOSED) || !is_empty())
        violation("the ring does not drain, though nobody stopped: %s",
                  ipc_status_name(status));
}

/* Recovers and reads until there is nothing more. False: it ended at the
 * claim of a living writer, or the consumer's role is taken. */
static bool drain(bool all_dead)
{
    uint32_t rounds = 6 * checker()->ring.block_count + 6;

    for (uint32_t i = 0; i < rounds; i++) {
        IpcStatus status = checker_recover();

        /* Where many read ahead it looks behind the entries, too. */
        if (status == IPC_ERR_NOT_READY && !all_dead &&
            checker()->ring.holders) {
            if (checker_read() != IPC_OK)
                return false;
            continue;
        }
        if (status == IPC_ERR_NOT_READY && !all_dead && living_writer_at_head())
            return false;
        if (status != IPC_OK)
            violation("recover: %s", ipc_status_name(status));
        status = checker_read();
        if ((status == IPC_ERR_ROLE_TAKEN || status == IPC_ERR_OWNERS_FULL) &&
            !all_dead && checker()->ring.one_consumer)
            return false;
        if (status == IPC_EMPTY && !all_dead && acknowledge_is_held())
            return false;
        if ((status == IPC_EMPTY || status == IPC_ERR_CLOSED) && is_empty()) {
            if (status == IPC_EMPTY && ring_is_closed())
                violation("closed by half, and recovery leaves it so");
            return true;
        }
        if (status != IPC_OK && status != IPC_EMPTY &&
            status != IPC_ERR_NOT_READY)
            violation("read after recover: %s", ipc_status_name(status));
    }
    violation("the ring is stuck: recovery does not empty it");
}

static void must(IpcStatus status, IpcStatus wanted, const char *what)
{
    if (status != wanted)
        violation("%s: %s", what, ipc_status_name(status));
}

/* An empty ring takes n entries of a block, and then one of n blocks. */
static void refill(void)
{
    uint32_t n = checker()->ring.block_count;
    IpcStatus status;

    if (ring_is_closed())
        return;
    for (uint32_t i = 0; i < n; i++)
        must(checker_write(8), IPC_OK, "refilling the empty ring");
    must(checker_write(8), IPC_ERR_NO_SPACE_CONTIGUOUS,
         "one more than the ring can hold");
    for (uint32_t i = 0; i < n; i++)
        must(checker_read(), IPC_OK, "reading the full ring");
    must(checker_read(), IPC_EMPTY, "reading the empty ring");
    status = checker_write(n * SHMIPC_BLOCK);
    if (status == IPC_ERR_NO_SPACE_CONTIGUOUS) {
        must(checker_read(), IPC_EMPTY, "reading filler");
        status = checker_write(n * SHMIPC_BLOCK);
    }
    must(status, IPC_OK, "an entry of maximum size in the empty ring");
    must(checker_read(), IPC_OK, "reading the entry of maximum size");
}

/* --------------------------------------------------------------- stopping */

static void all_die(void)
{
    bool undisturbed = is_undisturbed();

    if (judged_dead(undisturbed))
        return;
    for (int i = 0; i < actor_count; i++)
        world.actors[i].state = DEAD;
    trace_event(CHECKER, "all others are dead now");
    if (undisturbed) {
        tapped_drain();
        drain_undisturbed();
    }
    drain(true);
    account();
    refill();
    account();
}

static void go_laps(bool leave_full)
{
    int rounds = 2 * (int)checker()->ring.block_count + 1;

    for (int i = 0; i < rounds; i++) {
        IpcStatus status = checker_write(8);

        if (status != IPC_OK && status != IPC_ERR_NO_SPACE_CONTIGUOUS &&
            status != IPC_ERR_ROLE_TAKEN && status != IPC_ERR_OWNERS_FULL &&
            !(status == IPC_ERR_CLOSED && ring_is_closed()))
            violation("write: %s", ipc_status_name(status));
        if (!drain(false) || status != IPC_OK)
            break;
    }
    while (leave_full && checker_write(8) == IPC_OK)
        continue;
}

/* Until it has finished, or waits for one who sleeps. */
static void wake(int actor)
{
    if (world.actors[actor].state == NAPS)
        world.actors[actor].state = RUNS;
    if (world.actors[actor].state != RUNS)
        return;
    trace_event(actor, "wakes up");
    do
        schedule_step(actor, 0);
    while (world.actors[actor].state == RUNS && !world.actors[actor].waits);
}

static int unfinished(void)
{
    int count = 0;

    for (int i = 0; i < actor_count; i++)
        count += world.actors[i].state == RUNS;
    return count;
}

/* Those who have not finished sleep while the checker goes laps around. */
static void all_sleep(bool leave_full)
{
    trace_event(CHECKER, "all others are asleep now");
    if (drain(false))
        account();
    go_laps(leave_full);
    /* One may wait for another's lock, or wake it. */
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < actor_count; i++)
            wake(leave_full ? actor_count - 1 - i : i);
    if (unfinished())
        violation("somebody waits for ever");
    all_die();
}

void check_stopped(void)
{
    static struct snapshot *before;
    int stopped = unfinished();

    crash_points += (uint64_t)stopped;
    if (judged_stopped())
        return;
    before = snapshot_make(before);
    memory_settle(true);
    if (broadcast_is()) {
        broadcast_check_stopped();
        snapshot_restore(before);
        memory_settle(false);
        return;
    }
    all_die();
    snapshot_restore(before);
    for (int full = 0; full < 2 && stopped > 0; full++) {
        all_sleep(full);
        snapshot_restore(before);
    }
    memory_settle(false);
}

/* The head stands at an item only of an array that has it. */
static void check_item(const struct ring *r, uint64_t head)
{
    uint64_t position = position_of_head(head);
    uint64_t word =
        memory_latest(location_control(position_index(r, position)));

    if (position_item(head) == 0)
        return;
    if (control_tag(word) != position_tag(r, position) ||
        control_state(word) != CONTROL_ARRAY ||
        position_item(head) >= control_array_count(control_value(word)))
        violation("the head is at item %u of no such array",
                  position_item(head));
}

/* I1: head and tail stay in bounds. */
void check_state(void)
{
    const struct ring *r = &checker()->ring;
    uint64_t head = position_of_head(memory_latest(LOCATION_HEAD));
    uint64_t tail = tail_now();
    int64_t used = position_distance(r, head, tail);
    int64_t n = r->block_count;

    if (!position_is_valid(r, head) || !position_is_valid(r, tail) ||
        used > n || used < (r->one_producer ? -n : 0))
        violation("head and tail are %lld blocks apart", (long long)used);
    check_item(r, memory_latest(LOCATION_HEAD));
    if (broadcast_is())
        broadcast_check_state();
    check_entered();
    check_claims();
}
