/* SPDX-License-Identifier: MIT */
/*
 * Shared memory of the model: what is stored there, and who may see what (see
 * MEMORY in model.h). Which addresses are shared: locations.c.
 */
#include "locations.h"
#include "model_payload.h"
#include <string.h>

enum { CLOCKS = LOCATIONS_MAX };
_Static_assert(CLOCKS + MAX_ACTORS + 1 <= VIEW_SIZE, "room for the clocks");

static bool settled;

/* -------------------------------------------------------------- messages */

bool memory_is_weak(void)
{
    return options.weak && !settled;
}

void memory_settle(bool now)
{
    settled = now;
}

static struct message *message_at(int location, int time)
{
    return &world.pool[world.locations[location].at[time]];
}

static int latest_time(int location)
{
    return world.locations[location].count - 1;
}

uint64_t memory_latest(int location)
{
    return message_at(location, latest_time(location))->value;
}

/* The latest message that the actor knows of. */
uint64_t memory_known(int actor, int location)
{
    return memory_is_weak()
               ? message_at(location, world.actors[actor].view[location])->value
               : memory_latest(location);
}

static void join(uint8_t *to, const uint8_t *from)
{
    for (int i = 0; i < VIEW_SIZE; i++)
        if (from[i] > to[i])
            to[i] = from[i];
}

static void hash_message(struct message *m)
{
    m->hash = mix_bytes(mix(m->value, m->rmw), m->view, VIEW_SIZE);
}

/* A store between older messages: all that come later get later times. */
static void shift_views(int location, int time)
{
    for (int i = 0; i <= MAX_ACTORS; i++) {
        struct actor *a = &world.actors[i];

        a->view[location] += a->view[location] >= time;
        a->fenced[location] += a->fenced[location] >= time;
        a->loaded[location] += a->loaded[location] >= time;
    }
    if (world.fence_view[location] >= time)
        world.fence_view[location]++;
    for (int i = 0; i < world.pool_used; i++) {
        struct message *m = &world.pool[i];

        if (m->view[location] >= time) {
            m->view[location]++;
            hash_message(m);
        }
    }
}

static struct message *insert_message(int location, int time)
{
    struct location *l = &world.locations[location];

    if (l->count == MESSAGES_MAX || world.pool_used == POOL_MAX)
        harness_error("too many messages at %s", location_name(location));
    if (time < l->count)
        shift_views(location, time);
    memmove(&l->at[time + 1], &l->at[time],
            (size_t)(l->count - time) * sizeof l->at[0]);
    l->count++;
    l->at[time] = (uint16_t)world.pool_used;
    return memset(&world.pool[world.pool_used++], 0, sizeof(struct message));
}

static bool releases(enum model_order order)
{
    return order == MODEL_RELEASE || order == MODEL_ACQ_REL;
}

static bool acquires(enum model_order order)
{
    return order == MODEL_ACQUIRE || order == MODEL_ACQ_REL;
}

/* Stores after the message at `time`; `rmw`: as its read-modify-write. */
static void store_after(struct actor *me, const struct access *a, int time,
                        uint64_t value, bool rmw)
{
    uint8_t inherited[VIEW_SIZE];
    struct message *m;

    if (value != memory_latest(a->location) && !map.is_wait_word[a->location])
        wake_stir();

    if (!memory_is_weak()) {
        m = message_at(a->location, latest_time(a->location));
        m->value = value;
        m->hash = mix(value, 0);
        return;
    }
    m = insert_message(a->location, time + 1);
    me->view[a->location] = (uint8_t)(time + 1);
    memcpy(inherited, message_at(a->location, time)->view, VIEW_SIZE);
    m->value = value;
    m->rmw = rmw;
    m->view[a->location] = (uint8_t)(time + 1);
    if (rmw)
        join(m->view, inherited);
    if (releases(a->order))
        join(m->view, me->view);
    join(m->view, me->fenced);
    hash_message(m);
}

static uint64_t load_at(struct actor *me, const struct access *a, int time,
                        bool acquire)
{
    const struct message *m = message_at(a->location, time);

    if (memory_is_weak()) {
        if (time > me->view[a->location])
            me->view[a->location] = (uint8_t)time;
        if (acquire)
            join(me->view, m->view);
        else if (tapped_is_on())
            join(me->loaded, m->view);
    }
    return m->value;
}

/* --------------------------------------------------------------- payload */

static uint64_t plain_load(struct actor *me, const struct access *a)
{
    int latest = latest_time(a->location);

    if (memory_is_weak()) {
        if (me->view[a->location] != latest)
            me->raced = true;
        me->view[CLOCKS + current]++;
        me->copied |= UINT32_C(1) << (a->location - map.first_chunk);
        me->hash = mix(me->hash, me->raced);
        if (tapped_is_on())
            join(me->loaded, message_at(a->location, latest)->view);
    }
    return message_at(a->location, latest)->value;
}

static void plain_store(struct actor *me, const struct access *a)
{
    int latest = latest_time(a->location);

    if (memory_is_weak()) {
        if (me->view[a->location] != latest)
            violation("payload is stored over %s without being ordered after "
                      "the last store there",
                      location_name(a->location));
        /* What the dead have read is of no interest any more. */
        for (int i = 0; i < actor_count; i++)
            if (world.actors[i].state != DEAD &&
                me->view[CLOCKS + i] < world.read_clock[a->location][i])
                violation("payload is stored over %s without being ordered "
                          "after %c's last read there",
                          location_name(a->location), 'A' + i);
    }
    store_after(me, a, latest, a->value, false);
}

/* The copies in hand count: they were whole. */
void memory_copied(int actor)
{
    if (memory_is_weak() && world.actors[actor].raced)
        violation("the copy of an entry that was taken is not ordered after "
                  "its stores");
}

/* And stores come after them. */
void memory_taken(int actor)
{
    struct actor *me = &world.actors[actor];

    memory_copied(actor);
    if (!memory_is_weak())
        return;
    for (int i = map.first_chunk; i < map.chunk_end; i++)
        if (me->copied >> (i - map.first_chunk) & 1)
            world.read_clock[i][actor] = me->view[CLOCKS + actor];
}

/* ---------------------------------------------------------------- access */

static uint64_t ask_fate(struct actor *me, int process)
{
    bool dead = actor_is_dead(process);

    for (int i = 0; dead && i < actor_count; i++)
        if (scripts[i].process == process)
            join(me->view, world.actors[i].view);
    return dead;
}

static uint64_t compare_and_swap(struct actor *me, const struct access *a,
                                 int time)
{
    bool won = message_at(a->location, time)->value == a->seen;

    if (!won) {
        load_at(me, a, time, a->order == MODEL_ACQ_REL);
        return 0;
    }
    load_at(me, a, time, acquires(a->order));
    store_after(me, a, time, a->value, true);
    return 1;
}

static uint64_t sum(const struct access *a, uint64_t old)
{
    uint64_t sum = old + a->value;

    return map.bytes[a->location] == 4 ? (uint32_t)sum : sum;
}

void memory_fence_of(struct actor *me)
{
    join(me->view, world.fence_view);
    join(world.fence_view, me->view);
}

static bool is_alive(const struct actor *a)
{
    return a->state == RUNS || a->state == SLEEPS || a->state == NAPS;
}

/* Everybody passes a fence, and the caller one before and one after them. Who
 * does not run any more has passed one when it was taken off its CPU. */
static void barrier(struct actor *me)
{
    memory_fence_of(me);
    for (int i = 0; i < actor_count; i++)
        memory_fence_of(&world.actors[i]);
    memory_fence_of(me);
}

/* The kernel compares with the word as it is, and orders both sides. */
static uint64_t fall_asleep(struct actor *me, const struct access *a)
{
    memory_fence_of(me);
    me->view[a->location] = (uint8_t)latest_time(a->location);
    if (memory_latest(a->location) != a->value)
        return 0;
    wake_fall_asleep(current, a->location, a->seen != 0);
    return 1;
}

static uint64_t wake_all(struct actor *me, const struct access *a)
{
    uint64_t woken = 0;

    memory_fence_of(me);
    for (int i = 0; i < actor_count; i++) {
        struct actor *other = &world.actors[i];

        if ((other->state != SLEEPS && other->state != NAPS) ||
            other->sleeps_on != a->location)
            continue;
        other->state = RUNS;
        memory_fence_of(other);
        woken++;
    }
    return woken;
}

static uint64_t apply_rmw(struct actor *me, const struct access *a, int time)
{
    uint64_t old;

    if (a->kind == CAS)
        return compare_and_swap(me, a, time);
    old = load_at(me, a, time, acquires(a->order));
    store_after(me, a, time, a->kind == ADD ? sum(a, old) : a->value, true);
    return old;
}

static uint64_t apply(struct actor *me, const struct access *a, int choice)
{
    int time = a->location < 0 ? 0 : latest_time(a->location) - choice;
    uint64_t old;

    switch (a->kind) {
    case LOAD:
        me->looked |= a->location == LOCATION_HEAD;
        return load_at(me, a, time, acquires(a->order));
    case STORE:
        if (a->location == LOCATION_HEAD && current != CHECKER)
            wake_note_take(me, memory_latest(LOCATION_HEAD));
        store_after(me, a, time, a->value, false);
        return 0;
    case CAS:
    case ADD:
    case SWAP:
        if (running->x86)
            memory_fence_of(me);
        old = apply_rmw(me, a, time);
        if (a->location == LOCATION_HEAD && old && current != CHECKER)
            wake_note_take(me, a->seen);
        /* H3 releases; a word that is renewed is not acknowledged. */
        me->took |= location_is_holder(a->location) && old &&
                    a->order == MODEL_RELEASE &&
                    control_state(a->value) == HOLD_DONE;
        if (running->x86)
            memory_fence_of(me);
        return old;
    case PLAIN_LOAD:
        return plain_load(me, a);
    case PLAIN_STORE:
        plain_store(me, a);
        return 0;
    case FATE:
        return ask_fate(me, (int)a->value);
    case FENCE:
        memory_fence_of(me);
        return 0;
    case BARRIER:
        barrier(me);
        return 0;
    case LOCK:
        memory_fence_of(me);
        script_lock(a->seen, a->value);
        return 0;
    case ASK:
        memory_fence_of(me);
        /* Who ends has done everything before the kernel lets go. */
        for (int i = 0; i < actor_count; i++)
            ask_fate(me, scripts[i].process);
        return script_is_locked(a->seen);
    case SLEEP:
        return fall_asleep(me, a);
    case WAKE:
        return wake_all(me, a);
    }
    return 0;
}

static bool follows_rmw(int location, int time)
{
    return time < latest_time(location) && message_at(location, time + 1)->rmw;
}

static bool choice_is_allowed(const struct actor *a, int time)
{
    const struct access *p = &a->pending;

    switch (p->kind) {
    case LOAD:
        return true;
    case STORE:
        return !follows_rmw(p->location, time);
    case CAS:
        return !follows_rmw(p->location, time) &&
               message_at(p->location, time)->value == p->seen;
    default:
        return false;
    }
}

/* A bit per thing that may happen at the actor's next access; bit 0: it meets
 * the latest message, bit k: the k-th before that. */
uint64_t memory_choices(const struct actor *a)
{
    const struct access *p = &a->pending;
    uint64_t choices = 1;

    if (!memory_is_weak() || a->stale == 0 || p->location < 0)
        return choices;
    for (int k = 1; k < MESSAGES_MAX; k++) {
        int time = latest_time(p->location) - k;

        if (time < (int)a->view[p->location])
            break;
        if (choice_is_allowed(a, time))
            choices |= UINT64_C(1) << k;
    }
    return choices;
}

uint64_t memory_perform(struct access a)
{
    struct actor *me = &world.actors[current];
    int choice = 0;
    uint64_t result;

    if (current != CHECKER) {
        me->pending = a;
        schedule_yield();
        choice = me->choice;
    }
    result = apply(me, &a, choice);
    me->hash = mix(me->hash, result + 1);
    trace_access(current, &a, choice, result);
    /* A sleeper goes on when somebody has woken it, or its nap is over. */
    while (a.kind == SLEEP && result && me->state != RUNS)
        schedule_yield();
    return result;
}

/* -------------------------------------------------------------- the state */

/* From here on the messages are the truth, not the region. */
void memory_begin(void)
{
    world.pool_used = 0;
    memset(world.read_clock, 0, sizeof world.read_clock);
    for (int i = 0; i < map.count; i++) {
        struct message *m = &world.pool[world.pool_used];

        memset(m, 0, sizeof *m);
        memcpy(&m->value, map.home[i], map.bytes[i]);
        hash_message(m);
        world.locations[i].at[0] = (uint16_t)world.pool_used++;
        world.locations[i].count = 1;
    }
}

static int oldest_of_interest(int location)
{
    int oldest = latest_time(location);

    for (int i = 0; i < actor_count; i++)
        if (is_alive(&world.actors[i]) &&
            world.actors[i].view[location] < oldest)
            oldest = world.actors[i].view[location];
    return oldest;
}

uint64_t memory_latest_hash(void)
{
    uint64_t hash = 0;

    for (int i = 0; i < map.count; i++)
        hash = mix(hash, memory_latest(i));
    return hash;
}

uint64_t memory_hash(void)
{
    uint64_t hash = 0;

    for (int i = 0; i < map.count; i++) {
        if (options.weak) {
            hash = mix(hash, world.locations[i].count);
            hash = mix_bytes(hash, world.read_clock[i],
                             sizeof world.read_clock[i]);
            for (int t = oldest_of_interest(i); t <= latest_time(i); t++)
                hash = mix(hash, message_at(i, t)->hash);
        } else {
            hash = mix(hash, memory_latest(i));
        }
    }
    if (running->locks)
        hash = mix_bytes(hash, world.locks, sizeof world.locks);
    for (int i = 0; i < MAX_OWNERS; i++)
        hash = mix(hash,
                   world.channels[CHECKER].buffer.ring.owners.slots[i].handles);
    return hash;
}
