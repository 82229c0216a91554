/* SPDX-License-Identifier: MIT */
/*
 * What actors do: scripts, one per actor, separated by '|'. Calls:
 *
 *     w40      write 40 bytes           r   read
 *     s104:40  reserve 104, commit 40   p   peek, copy, skip
 *     s104:0   reserve and abort        g   read as one who looked in vain
 *     v        recover                      for long: sees to gaps as well
 *     f        skip by force            d   destroy the handle
 *     x        recover, and force out owners that cannot be judged
 *     b40b8    one batch of two         q   read up to three as a batch
 *     a64a64   one array of two         y64 read up to three as an array
 *
 *     o40      reserve, leave it open   c   close the ring
 *     h        subscribe, from now      e   from the oldest
 *     i        the same, never waited for
 *     m        unsubscribe              n   read the newest entry
 *     1        pin the newest, use it   2   pin the next, use it in place,
 *              in place, unpin              unpin; 3: it stays pinned
 *     l        read ahead               j   acknowledge the first of that
 *     u        give all of that back    k   acknowledge all of it
 *     t        read as a tap            z   go past what is there, as a tap
 *
 * Through a channel, which wakes and may wait:
 *
 *     W40      write, wait for space    R   read, wait for an entry
 *     N40      write                    T   read
 *     S104:40  reserve, commit; abort   V   recover
 *     M        read and wait as a waitset does
 *     C        close                    I   interrupt the handle
 *
 * "@a" in front: shares process and handle with the first actor; "%a": shares
 * the process, but has a handle of its own.
 */
#include "buffer/batch.h"
#include "buffer/read.h"
#include "buffer/recover.h"
#include "buffer/write.h"
#include "model.h"
#include "model_payload.h"
#include <stdlib.h>
#include <string.h>

struct world world;
struct script scripts[MAX_ACTORS];
int actor_count;
const struct scenario *running;
int current = CHECKER;
bool tracking;

/* --------------------------------------------------------------- parsing */

static uint32_t parse_number(const char **text)
{
    char *end;
    unsigned long value = strtoul(*text, &end, 10);

    if (end == *text || value > MAX_BLOCKS * SHMIPC_BLOCK || value % 4)
        harness_error("script: a size is missing or wrong at \"%s\"", *text);
    *text = end;
    return (uint32_t)value;
}

static void parse_call(const char **text, struct script *script)
{
    struct call *call = &script->calls[script->count++];

    if (script->count > MAX_CALLS ||
        !strchr("wsrgpvfxdbqayoclkjutzheimn123WNSRTMVCI", **text))
        harness_error("script: bad call at \"%s\"", *text);
    call->kind = *(*text)++;
    if (strchr(CALLS_WRITE, call->kind))
        call->commit = call->size = parse_number(text);
    if (call->kind == CALL_READ_ARRAY)
        call->wanted = parse_number(text);
    if (call->kind == CALL_OPEN)
        call->commit = 0;
    if (call->kind == CALL_RESERVE || call->kind == CALL_SEND_RESERVED) {
        if (**text != ':')
            harness_error("script: ':' expected at \"%s\"", *text);
        ++*text;
        call->commit = parse_number(text);
    }
}

void script_parse(const char *text)
{
    struct script *script = &scripts[0];

    memset(scripts, 0, sizeof scripts);
    actor_count = 1;
    while (*text) {
        if (*text == '|') {
            script = &scripts[actor_count];
            script->process = script->handle = actor_count++;
            if (actor_count > MAX_ACTORS)
                harness_error("script: too many actors");
            text++;
        } else if (*text == ' ') {
            text++;
        } else if (*text == '@' || *text == '%') {
            script->process = text[1] - 'a';
            if (*text == '@')
                script->handle = script->process;
            text += 2;
        } else {
            parse_call(&text, script);
        }
    }
}

/* --------------------------------------------------------------- running */

/* A word that says whose it is, how long the entry is, and which chunk. */
void script_fill(unsigned char *to, uint32_t id, uint32_t size)
{
    for (uint32_t i = 0; i < size; i += 8) {
        uint64_t word = (uint64_t)id << 32 | size << 8 | (i / chunk_size() + 1);

        memcpy(to + i, &word, size - i < 8 ? size - i : 8);
    }
}

static struct IpcBuffer *handle_of(int actor)
{
    return &world.channels[actor == CHECKER ? CHECKER : scripts[actor].handle]
                .buffer;
}

IpcStatus script_write(int actor, uint32_t id, uint32_t size)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];

    script_fill(data, id, size);
    return call_write(handle_of(actor), data, size);
}

/* How many calls from this one on are written by one call of the library. */
int script_together(int actor, int call)
{
    const struct call *first = &scripts[actor].calls[call];
    int end = call + 1;

    if (call >= scripts[actor].count)
        return 0;
    for (; end < scripts[actor].count; end++) {
        const struct call *next = &scripts[actor].calls[end];

        if (next->kind != first->kind ||
            (next->kind != CALL_BATCH &&
             (next->kind != CALL_ARRAY || next->size != first->size)))
            break;
    }
    return end - call;
}

/* One batch or array, unless an earlier call has written it. */
static IpcStatus write_together(int actor)
{
    unsigned char data[MAX_CALLS * MAX_BLOCKS * SHMIPC_BLOCK];
    struct iovec entries[MAX_CALLS];
    struct actor *a = &world.actors[actor];
    const struct call *calls = &scripts[actor].calls[a->call];
    int count = script_together(actor, a->call);
    unsigned char *to = data;
    size_t written, size;
    IpcStatus status;

    if (a->call < a->batched)
        return IPC_OK;
    for (int i = 0; i < count; i++) {
        script_fill(to, actor_id(actor, a->call + i), calls[i].size);
        entries[i] = (struct iovec){to, calls[i].size};
        to += calls[i].size;
    }
    if (calls->kind == CALL_BATCH)
        status = batch_write(handle_of(actor), entries, count, &written, &size);
    else
        status = batch_write_array(handle_of(actor), data, calls->size, count,
                                   &written);
    a->batched = a->call + (int)written;
    return status;
}

static IpcStatus reserve(int actor, uint32_t id, const struct call *call)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];
    struct IpcBuffer *b = handle_of(actor);
    IpcReservation reservation;
    IpcStatus status = call_reserve(b, call->size, &reservation);

    if (status != IPC_OK)
        return status;
    script_fill(data, id, call->commit ? call->commit : call->size);
    payload_store(reservation.payload, data,
                  call->commit ? call->commit : call->size);
    if (call->commit == 0) {
        status = write_abort(b, &reservation);
        if (status != IPC_OK)
            violation("abort: %d", status);
        return IPC_OK;
    }
    status = call_commit(b, &reservation, call->commit);
    if (status != IPC_OK)
        violation("commit: %d", status);
    return status;
}

IpcStatus script_read(int actor, struct result *result)
{
    if (running->flags & IPC_BUFFER_ACKNOWLEDGE)
        return acknowledge_read(actor, result);
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];
    IpcEntry entry = {0, data, sizeof data};
    IpcStatus status = call_read(handle_of(actor), &entry);

    if (status == IPC_OK) {
        memory_taken(actor);
        check_entry(data, entry.size, entry.offset, result);
    }
    return status;
}

static IpcStatus read_batch(int actor, struct result *result)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];
    IpcEntry entries[3];
    IpcBufferReadError error;
    size_t read;
    IpcStatus status = batch_read(handle_of(actor), entries, 3, data,
                                  sizeof data, &read, &error);

    if (status == IPC_OK)
        memory_taken(actor);
    for (size_t i = 0; i < read; i++)
        check_entry(entries[i].payload, entries[i].size, entries[i].offset,
                    result);
    return status;
}

/* The entries' offsets are not told, but each is at least so far behind. */
static IpcStatus read_array(int actor, uint32_t size, struct result *result)
{
    unsigned char data[3 * SHMIPC_BLOCK];
    IpcBufferReadError error = {0};
    size_t read;
    IpcStatus status =
        batch_read_array(handle_of(actor), data, size, 3, &read, &error);

    if (status == IPC_OK)
        memory_taken(actor);
    for (size_t i = 0; i < read; i++)
        check_entry(data + i * size, size,
                    error.offset + i * control_array_stride(size), result);
    return status;
}

/* Many consumers: what was peeked counts if the skip succeeds. */
static IpcStatus peek(int actor, struct result *result)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];
    struct IpcBuffer *b = handle_of(actor);
    IpcEntry entry;
    IpcStatus status = call_peek(b, &entry);

    if (status != IPC_OK)
        return status;
    payload_load_unowned(data, entry.payload, entry.size);
    status = call_skip(b, entry.offset);
    if (status != IPC_OK)
        return status;
    memory_taken(actor);
    check_entry(data, entry.size, entry.offset, result);
    return status;
}

static IpcStatus run_call(int actor, struct result *result)
{
    const struct call *call = &scripts[actor].calls[world.actors[actor].call];
    uint32_t id = actor_id(actor, world.actors[actor].call);
    struct IpcBuffer *b = handle_of(actor);
    IpcReservation reservation;
    uint64_t removed, offset;

    switch (call->kind) {
    case CALL_WRITE:
        return script_write(actor, id, call->size);
    case CALL_BATCH:
    case CALL_ARRAY:
        return write_together(actor);
    case CALL_READ_BATCH:
        return read_batch(actor, result);
    case CALL_READ_ARRAY:
        return read_array(actor, call->wanted, result);
    case CALL_RESERVE:
        return reserve(actor, id, call);
    case CALL_GAP_READ:
        b->idle_looks = 511;
        return script_read(actor, result);
    case CALL_READ:
        return script_read(actor, result);
    case CALL_PEEK:
        return peek(actor, result);
    case CALL_READ_AHEAD:
    case CALL_ACKNOWLEDGE:
    case CALL_ACKNOWLEDGE_ONE:
    case CALL_GIVE_BACK:
        return acknowledge_call(actor, call->kind, result);
    case CALL_RECOVER:
        return recover_dead(b, RECOVER_ALL, false, &removed, &offset);
    case CALL_FORCE_OUT:
        return recover_dead(b, RECOVER_ALL, true, &removed, &offset);
    case CALL_FORCE:
        return recover_skip(b, &offset);
    case CALL_OPEN:
        return call_reserve(b, call->size, &reservation);
    case CALL_SHUT:
        call_shut(b);
        return IPC_OK;
    case CALL_TAP:
    case CALL_TAP_PASS:
        return tapped_call(actor, call, result);
    case CALL_JOIN:
    case CALL_JOIN_OLDEST:
    case CALL_JOIN_LAGGING:
    case CALL_LEAVE:
        return broadcast_call(actor, call->kind);
    case CALL_NEWEST:
    case CALL_PIN:
    case CALL_PIN_NEXT:
    case CALL_PIN_AND_STAY:
        return newest_call(actor, call->kind, result);
    case CALL_CLOSE:
        handle_close(b);
        return IPC_OK;
    default:
        return wake_call(actor, call, id, result);
    }
}

/* I5, as far as the actor knows: what was stored in a later lap came with a
 * head that has passed the block. Not so in reservations and batches: a word
 * inside a claim comes with that of its first block. */
static bool knows_better(int actor)
{
    const struct ring *r = &world.channels[CHECKER].buffer.ring;
    uint64_t head = position_of_head(memory_known(actor, LOCATION_HEAD));
    uint64_t word =
        memory_known(actor, location_control(position_index(r, head)));

    return !strpbrk(running->script, "sb") &&
           (int32_t)(control_tag(word) - position_tag(r, head)) > 0;
}

static bool status_is_fine(int actor, char kind, IpcStatus status)
{
    const struct actor *a = &world.actors[actor];
    bool reads = !strchr(CALLS_WRITE, kind);

    if (kind == CALL_TAP || kind == CALL_TAP_PASS)
        return true; /* tapped.c has looked */
    /* broadcast_check_state() says whether anything is missing. */
    if (broadcast_is() &&
        (status == IPC_EMPTY || status == IPC_ERR_LOCKED ||
         status == IPC_ERR_LAGGED || status == IPC_ERR_OWNERS_FULL ||
         status == IPC_ERR_NOT_SUBSCRIBED ||
         status == IPC_ERR_NO_SPACE_CONTIGUOUS))
        return true;
    switch (status) {
    case IPC_OK:
        return true;
    case IPC_EMPTY:
        if (kind == CALL_ACKNOWLEDGE || kind == CALL_ACKNOWLEDGE_ONE ||
            kind == CALL_GIVE_BACK)
            return true; /* nothing was read ahead */
        return reads && (options.weak ? !knows_better(actor) : a->empty_true);
    case IPC_ERR_CLOSED:
        return ring_is_closed();
    case IPC_ERR_INTERRUPTED:
        return wake_is_interrupted(actor);
    case IPC_ERR_NO_SPACE_CONTIGUOUS:
        return !reads && (options.weak || a->full_true);
    case IPC_ERR_SIZE_MISMATCH:
        return kind == CALL_READ_ARRAY && (options.weak || a->other_true);
    case IPC_ERR_NOT_READY:
        return reads && kind != CALL_FORCE;
    case IPC_ERR_OFFSET_MISMATCH:
        return kind == CALL_PEEK;
    case IPC_ALREADY_SKIPPED:
        return kind == CALL_FORCE;
    case IPC_ERR_LOCKED:
        return kind == CALL_FORCE;
    case IPC_ERR_ROLE_TAKEN:
        return running->flags != 0;
    case IPC_ERR_OWNERS_FULL:
        return running->owners != 0;
    default:
        return false;
    }
}

static size_t running_bytes(void)
{
    return wake_is_channel() ? sizeof(struct IpcChannel)
                             : sizeof(struct IpcBuffer);
}

/* What an actor is between two calls; how it got there is no longer of
 * interest. Padding inside the handle was zeroed at setup. */
uint64_t actor_boundary_hash(int actor)
{
    const struct actor *a = &world.actors[actor];
    uint64_t hash = mix((uint64_t)a->call, (uint64_t)a->batched);

    for (int i = 0; i < a->call; i++) {
        hash = mix(hash, (uint64_t)(unsigned)a->results[i].status << 32 |
                             a->results[i].id);
        hash = mix(hash, a->results[i].offset);
    }
    if (a->state == DEAD)
        return hash;
    hash = tapped_hash(actor, hash);
    return mix_bytes(hash, handle_of(actor), running_bytes());
}

static void begin_call(struct actor *a)
{
    a->steps = 0;
    a->stale = options.stale;
    a->empty_true = false;
    a->full_true = false;
    a->other_true = false;
    a->looked = false;
    a->raced = false;
    a->took = false;
    a->copied = 0;
    memset(a->fenced, 0, sizeof a->fenced);
    memset(a->loaded, 0, sizeof a->loaded);
}

static void record(int actor, const struct result *result)
{
    struct actor *a = &world.actors[actor];
    char kind = scripts[actor].calls[a->call].kind;

    trace_result(actor, result);
    if (!status_is_fine(actor, kind, result->status))
        violation("call %d (%c) of %c returned %s, which was not true",
                  a->call + 1, kind, 'A' + actor,
                  ipc_status_name(result->status));
    if (broadcast_is())
        broadcast_end(actor, result->status);
    a->results[a->call++] = *result;
    check_told_closed();
    begin_call(a);
    a->hash = actor_boundary_hash(actor);
}

void script_run(int actor)
{
    struct actor *a = &world.actors[actor];

    while (a->call < scripts[actor].count) {
        struct result result = {0};

        result.status = run_call(actor, &result);
        record(actor, &result);
    }
}

/* ----------------------------------------------------------------- setup */

static void put_word(uint64_t position, uint32_t age, bool before)
{
    const struct ring *r = &world.channels[CHECKER].buffer.ring;
    uint32_t tag = position_tag(r, position);

    r->control[position_index(r, position)] =
        before ? control_make(tag, 8, CONTROL_READY)
               : control_make(tag - (age ? age : 1), 8, CONTROL_READY);
    if (r->holders)
        r->holders[position_index(r, position)] =
            hold_make(before ? tag : tag - (age ? age : 1), 0, HOLD_DONE);
}

/* Starts the ring in another lap, at another block. */
static void move_start(const struct scenario *s)
{
    const struct ring *r = &world.channels[CHECKER].buffer.ring;
    uint64_t lap = (s->lap ? s->lap : 1) << r->index_bits;

    if (!s->lap && !s->index)
        return;
    r->tail->position = lap + s->index;
    r->head->position = lap + s->index;
    if (r->tail->intended)
        r->tail->intended = lap + s->index;
    for (uint32_t i = 0; i < s->blocks; i++)
        put_word(lap + i, s->age[i], i < s->index);
}

static bool has_call(int actor, const char *kinds)
{
    for (int i = 0; i < scripts[actor].count; i++)
        if (strchr(kinds, scripts[actor].calls[i].kind))
            return true;
    return false;
}

/* Takes the owner slots and roles that the first calls would take. */
static void enter(int actor, const struct scenario *s)
{
    struct IpcBuffer *b = handle_of(actor);

    bool cold = s->cold && !(s->dead && strchr(s->dead, 'a' + actor));

    if (cold ||
        (actor == CHECKER && (s->flags || s->owners) && !broadcast_is()))
        return;
    current = actor;
    if (actor == CHECKER || (has_call(actor, CALLS_WRITE) &&
                             !(s->flags & IPC_BUFFER_ONE_PRODUCER && actor)))
        handle_produce(b);
    if (broadcast_is())
        handle_enter(b);
    else if (actor != CHECKER && has_call(actor, CALLS_READ) &&
             !(s->flags & IPC_BUFFER_ONE_CONSUMER && b->ring.head->role != 0))
        handle_consume(b);
    current = CHECKER;
}

static void make_ring(const struct scenario *s, uint32_t owners)
{
    IpcBufferOptions how = {
        .struct_size = sizeof how,
        .flags = s->flags,
        .max_owners = owners,
        .max_subscribers = s->subscribers,
    };
    IpcBufferCreateError body;
    const char *detail;
    uint64_t needed;
    size_t size = 320 + owners * 64 + 64 + 64 * s->blocks +
                  (s->flags & IPC_BUFFER_ACKNOWLEDGE ? 64 : 0) +
                  128 * s->subscribers;

    if (size > REGION_BYTES ||
        handle_create(&world.channels[CHECKER].buffer, world.region, size,
                      false, &how, &body, &detail) != IPC_OK ||
        world.channels[CHECKER].buffer.ring.block_count != s->blocks)
        harness_error("no ring of %u blocks", s->blocks);
    move_start(s);
    for (int i = 0; i < actor_count; i++) {
        current = i;
        if (scripts[i].handle == i &&
            handle_attach(&world.channels[i].buffer, world.region, size, false,
                          &needed, &detail) != IPC_OK)
            harness_error("cannot attach: %s", detail);
        if (scripts[i].handle == i && wake_is_channel())
            wake_join(i);
        current = CHECKER;
    }
}

void script_setup(const struct scenario *s)
{
    uint32_t owners;

    running = s;
    tracking = false;
    memory_settle(false);
    memset(&world, 0, sizeof world);
    script_parse(s->script);
    wake_begin();
    owners = s->owners ? (uint32_t)s->owners : (uint32_t)actor_count + 1;
    make_ring(s, owners);
    for (int i = 0; i < actor_count; i++)
        if (scripts[i].handle == i)
            enter(i, s);
    enter(CHECKER, s);
    location_map(s->blocks, owners);
    memory_begin();
    world.kills_left = s->kills;
    tracking = true;
    for (int i = 0; i < actor_count; i++) {
        begin_call(&world.actors[i]);
        tapped_begin(i);
        world.actors[i].hash = actor_boundary_hash(i);
    }
    for (int i = 0; i < actor_count; i++)
        schedule_start(i);
    for (const char *dead = s->dead; dead && *dead; dead++) {
        script_kill(*dead - 'a');
        world.actors[*dead - 'a'].hash = actor_boundary_hash(*dead - 'a');
    }
}
