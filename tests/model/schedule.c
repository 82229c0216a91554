/* SPDX-License-Identifier: MIT */
/*
 * Actors as coroutines, and snapshots of everything. A stack is saved from
 * where its actor waits up to its top; it is restored to the same addresses
 * while the explorer runs on its own stack. ucontext starts a coroutine;
 * setjmp and longjmp, which make no system call, switch.
 */
#undef _FORTIFY_SOURCE /* its longjmp refuses to change stacks */
#include "model.h"
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum {
    STACK_BYTES = 65536,
    STACK_MARGIN = 512, /* below the frame that waits */
    SAVED_MAX = 12288,
};

static _Alignas(64) unsigned char stacks[MAX_ACTORS][STACK_BYTES];
static jmp_buf explorer;

/* Back to the explorer until schedule_step() comes for this actor. */
__attribute__((noinline)) void schedule_yield(void)
{
    struct actor *me = &world.actors[current];
    unsigned char *mark = __builtin_frame_address(0);

    me->sp = mark - STACK_MARGIN;
    if (stacks[current] + STACK_BYTES - me->sp > SAVED_MAX)
        harness_error("an actor's stack is too deep");
    if (_setjmp(me->context) == 0)
        _longjmp(explorer, 1);
}

static void actor_main(void)
{
    script_run(current);
    world.actors[current].state = DONE;
    _longjmp(explorer, 1);
}

/* Runs the actor up to its first shared access. */
void schedule_start(int actor)
{
    ucontext_t context, here;

    current = actor;
    getcontext(&context);
    context.uc_stack.ss_sp = stacks[actor];
    context.uc_stack.ss_size = STACK_BYTES;
    context.uc_link = NULL;
    makecontext(&context, actor_main, 0);
    if (_setjmp(explorer) == 0)
        swapcontext(&here, &context);
    current = CHECKER;
}

void schedule_step(int actor, int choice)
{
    struct actor *a = &world.actors[actor];
    int limit = wake_is_channel() || broadcast_is() ? STEPS_PER_BLOCKING_CALL
                                                    : STEPS_PER_CALL;

    if (a->steps == 0 && !options.weak)
        truth_begin(actor);
    if (a->steps == 0 && broadcast_is())
        broadcast_begin(actor);
    wake_begin_step(actor);
    current = actor;
    a->choice = choice;
    if (choice && a->stale > 0)
        a->stale--;
    if (++a->steps > limit)
        violation("call %d of %c needs more than %d steps: no progress",
                  a->call + 1, 'A' + actor, limit);
    if (_setjmp(explorer) == 0)
        _longjmp(a->context, 1);
    current = CHECKER;
    if (!options.weak)
        truth_moment();
}

/* A thread waits for the lock of another. What it does afterwards it does as
 * well if it comes when the lock is free, so the explorer goes no further. */
int sched_yield(void)
{
    if (current != CHECKER) {
        world.actors[current].waits = true;
        schedule_yield();
        world.actors[current].waits = false;
    }
    return 0;
}

/* -------------------------------------------------------------- snapshots */

struct snapshot {
    size_t world_bytes;
    unsigned char bytes[sizeof(struct world) + MAX_ACTORS * SAVED_MAX];
};

static size_t stack_used(int actor)
{
    const struct actor *a = &world.actors[actor];

    return a->state != DONE && a->state != DEAD
               ? (size_t)(stacks[actor] + STACK_BYTES - a->sp)
               : 0;
}

struct snapshot *snapshot_make(struct snapshot *s)
{
    unsigned char *to;

    if (!s)
        s = malloc(sizeof *s);
    if (!s)
        harness_error("out of memory");
    s->world_bytes = offsetof(struct world, pool) +
                     (size_t)world.pool_used * sizeof world.pool[0];
    memcpy(s->bytes, &world, s->world_bytes);
    to = s->bytes + s->world_bytes;
    for (int i = 0; i < actor_count; i++) {
        size_t used = stack_used(i);

        memcpy(to, stacks[i] + STACK_BYTES - used, used);
        to += used;
    }
    return s;
}

void snapshot_restore(const struct snapshot *s)
{
    const unsigned char *from = s->bytes + s->world_bytes;

    memcpy(&world, s->bytes, s->world_bytes);
    for (int i = 0; i < actor_count; i++) {
        size_t used = stack_used(i);

        memcpy(stacks[i] + STACK_BYTES - used, from, used);
        from += used;
    }
}
