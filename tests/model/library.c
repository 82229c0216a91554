/* SPDX-License-Identifier: MIT */
/*
 * What the library's sources call in place of atomics, copies of payloads and
 * the process they run in: each becomes an access of the actor that runs.
 */
#include "model.h"
#include "buffer/give.h"
#include "model_payload.h"
#include <string.h>

enum { FIRST_PID = 100 };

/* --------------------------------------------------------------- process */

static int process_of(int actor)
{
    return actor == CHECKER ? CHECKER : scripts[actor].process;
}

uint64_t process_token(void)
{
    return (uint64_t)process_of(current) + 1;
}

struct process_id process_self(void)
{
    uint32_t pid = (uint32_t)(FIRST_PID + process_of(current));
    struct process_id id = {
        .pid = pid, .pid_namespace = 1, .start_time = 1000, .image = pid};
    return id;
}

uint64_t process_now(void)
{
    return 1;
}

/* Looks are counted instead. */
int64_t process_clock(void)
{
    return 0;
}

uint32_t process_next_handle(void)
{
    return (uint32_t)(current == CHECKER ? CHECKER : scripts[current].handle) +
           1;
}

uint64_t process_creation_number(uint64_t last)
{
    return last + 1;
}

bool actor_is_dead(int process)
{
    return process < actor_count && world.actors[process].state == DEAD;
}

int process_of_current(void)
{
    return process_of(current);
}

void script_lock(uint64_t slot, uint64_t change)
{
    world.locks[process_of(current)][slot] += (uint32_t)change;
}

bool script_is_locked(uint64_t slot)
{
    for (int p = 0; p <= MAX_ACTORS; p++)
        if (p != process_of(current) && !actor_is_dead(p) &&
            world.locks[p][slot])
            return true;
    return false;
}

/* A process dies with all its threads. */
void script_kill(int actor)
{
    for (int i = 0; i < actor_count; i++)
        if (scripts[i].process == scripts[actor].process)
            world.actors[i].state = DEAD;
    trace_event(actor, "dies");
    wake_after_death();
}

/* --------------------------------------------------------------- atomics */

static uint64_t direct_load(const volatile void *p, size_t size)
{
    return size == 4 ? *(const volatile uint32_t *)p
                     : *(const volatile uint64_t *)p;
}

static void direct_store(volatile void *p, size_t size, uint64_t value)
{
    if (size == 4)
        *(volatile uint32_t *)p = (uint32_t)value;
    else
        *(volatile uint64_t *)p = value;
}

uint64_t model_load(const volatile void *p, size_t size, enum model_order order)
{
    int l = location_of(p);

    if (l < 0)
        return direct_load(p, size);
    return memory_perform((struct access){LOAD, l, order, 0, 0});
}

/* What is there, for checks. */
uint64_t memory_peek(const volatile void *p, size_t size)
{
    int l = location_of(p);

    return l < 0 ? direct_load(p, size) : memory_latest(l);
}

void model_store(volatile void *p, size_t size, uint64_t value,
                 enum model_order order)
{
    int l = location_of(p);

    if (l < 0)
        direct_store(p, size, value);
    else
        memory_perform((struct access){STORE, l, order, value, 0});
}

uint64_t model_add(volatile void *p, size_t size, uint64_t value,
                   enum model_order order)
{
    int l = location_of(p);
    uint64_t old;

    if (l >= 0)
        return memory_perform((struct access){ADD, l, order, value, 0});
    /* A word that nobody looks at, but a fence all the same. */
    if (memory_is_weak() && tracking && current != CHECKER && running->x86)
        memory_fence_of(&world.actors[current]);
    old = direct_load(p, size);
    direct_store(p, size, old + value);
    return old;
}

uint64_t model_swap(volatile void *p, size_t size, uint64_t value,
                    enum model_order order)
{
    int l = location_of(p);
    uint64_t old;

    if (l >= 0)
        return memory_perform((struct access){SWAP, l, order, value, 0});
    old = direct_load(p, size);
    direct_store(p, size, value);
    return old;
}

bool model_cas(volatile void *p, size_t size, uint64_t seen, uint64_t next,
               enum model_order order)
{
    int l = location_of(p);

    if (l >= 0)
        return memory_perform((struct access){CAS, l, order, next, seen});
    if (direct_load(p, size) != seen)
        return false;
    direct_store(p, size, next);
    return true;
}

/* Nothing else in the protocol ors; a loop costs the explorer a few states. */
uint64_t model_or(volatile void *p, size_t size, uint64_t value,
                  enum model_order order)
{
    uint64_t old;

    do {
        old = model_load(p, size, MODEL_RELAXED);
    } while (!model_cas(p, size, old, old | value, order));
    return old;
}

/* In SC memory there is nothing to order. */
void model_fence(void)
{
    if (memory_is_weak() && tracking && current != CHECKER &&
        (wake_is_channel() || broadcast_is()))
        memory_perform((struct access){FENCE, -1, MODEL_RELAXED, 0, 0});
}

/* No steps: they change what other steps mean. */
void model_fence_release(void)
{
    struct actor *me = &world.actors[current];

    if (memory_is_weak() && tracking)
        memcpy(me->fenced, me->view, VIEW_SIZE);
}

void model_fence_acquire(void)
{
    struct actor *me = &world.actors[current];

    for (int i = 0; memory_is_weak() && tracking && i < VIEW_SIZE; i++)
        if (me->loaded[i] > me->view[i])
            me->view[i] = me->loaded[i];
}

void memory_barrier(void)
{
    if (memory_is_weak() && current != CHECKER)
        memory_perform((struct access){BARRIER, -1, MODEL_RELAXED, 0, 0});
}

bool model_rmw_is_fence(void)
{
    return running->x86;
}

/* Every chunk of a payload is filled with one repeated word (script.c), which
 * stands for it here. */
void payload_store(unsigned char *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size; i += chunk_size()) {
        uint64_t word;

        memcpy(&word, (const unsigned char *)from + i, sizeof word);
        memory_perform((struct access){PLAIN_STORE, location_of(to + i),
                                       MODEL_RELAXED, word, 0});
    }
}

/* An attempt to read begins with a look at the head, and can be of several
 * copies. A skip looks again, but copies nothing. */
static void begin_copy(struct actor *me)
{
    if (me->looked) {
        me->raced = false;
        me->copied = 0;
    }
    me->looked = false;
}

void payload_load_unowned(void *to, const unsigned char *from, size_t size)
{
    begin_copy(&world.actors[current]);
    for (size_t i = 0; i < size; i += chunk_size()) {
        uint64_t word = memory_perform((struct access){
            PLAIN_LOAD, location_of(from + i), MODEL_RELAXED, 0, 0});

        for (size_t j = i; j < size && j < i + chunk_size(); j += sizeof word)
            memcpy((unsigned char *)to + j, &word,
                   size - j < sizeof word ? size - j : sizeof word);
    }
}

/* What is there, once more: a store as any other. */
void payload_give_back(unsigned char *lines, size_t size)
{
    for (size_t i = 0; i < size; i += chunk_size()) {
        const int at = location_of(lines + i);
        uint64_t word = memory_perform(
            (struct access){PLAIN_LOAD, at, MODEL_RELAXED, 0, 0});

        memory_perform(
            (struct access){PLAIN_STORE, at, MODEL_RELAXED, word, 0});
    }
}

uint32_t give_limit(const struct ring *r)
{
    (void)r; /* many consumers never ask */
    return running->gives_back ? UINT32_MAX : 0;
}

void payload_load_owned(void *to, const unsigned char *from, size_t size)
{
    payload_load_unowned(to, from, size);
}

enum process_fate process_fate(const struct process_id *id)
{
    /* What the real one makes of a program that is no longer there. */
    if (id->pid && id->image && id->image != id->pid)
        return PROCESS_IS_DEAD;
    if (running->locks && (int)id->pid - FIRST_PID != process_of_current())
        return PROCESS_UNKNOWN;
    if (!memory_perform(
            (struct access){FATE, -1, MODEL_ACQUIRE, id->pid - FIRST_PID, 0}))
        return PROCESS_LIVES;
    return running->strangers ? PROCESS_UNKNOWN : PROCESS_IS_DEAD;
}
