/* SPDX-License-Identifier: MIT */
/*
 * Depth-first search over what can happen, with a table of states that were
 * seen. A path never meets a state of its own again, because every step adds
 * to what somebody has seen or done.
 */
#include "model.h"
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 1000 };

struct seen {
    uint64_t hash;     /* 0: free */
    double executions; /* from here to the end */
    int left;          /* preemptions that were left */
};

static struct {
    struct seen *slots;
    uint64_t size;
    uint64_t used;
} table;
static struct snapshot *snapshots[DEPTH_MAX];
static struct report report;

/* ------------------------------------------------------------ seen states */

uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    uint64_t word;

    /* Four at a time, none of which waits for another. */
    if (size >= 64) {
        uint64_t lanes[4] = {hash, 1, 2, 3};

        for (; size >= 32; size -= 32, p += 32)
            for (int i = 0; i < 4; i++) {
                memcpy(&word, p + (size_t)i * 8, 8);
                lanes[i] = mix(lanes[i], word);
            }
        hash = mix(mix(mix(lanes[0], lanes[1]), lanes[2]), lanes[3]);
    }
    for (; size >= 8; size -= 8, p += 8) {
        memcpy(&word, p, 8);
        hash = mix(hash, word);
    }
    for (; size > 0; size--, p++)
        hash = mix(hash, *p);
    return hash;
}

static struct seen *find(uint64_t hash)
{
    uint64_t i = hash & (table.size - 1);

    while (table.slots[i].hash && table.slots[i].hash != hash)
        i = (i + 1) & (table.size - 1);
    return &table.slots[i];
}

static void resize(uint64_t size)
{
    struct seen *old = table.slots;
    uint64_t old_size = table.size;

    table.slots = calloc(size, sizeof *table.slots);
    table.size = size;
    if (!table.slots)
        harness_error("out of memory");
    for (uint64_t i = 0; i < old_size; i++)
        if (old[i].hash)
            *find(old[i].hash) = old[i];
    free(old);
}

static void remember(uint64_t hash, int left, double executions)
{
    struct seen *seen;

    if (2 * table.used >= table.size)
        resize(2 * table.size);
    seen = find(hash);
    if (!seen->hash)
        table.used++;
    *seen = (struct seen){hash, executions, left};
}

static uint64_t state_hash(int last)
{
    uint64_t hash = memory_hash();

    for (int i = 0; i < actor_count; i++) {
        const struct actor *a = &world.actors[i];

        hash = mix(hash, a->hash);
        hash = mix(hash, (uint64_t)a->state << 32 | (uint64_t)a->stirred << 41 |
                             (uint64_t)a->vain << 40 | (uint64_t)a->stale << 8 |
                             (uint64_t)a->other_true << 2 |
                             (uint64_t)a->full_true << 1 | a->empty_true);
        if (options.weak && a->state != DONE)
            hash = mix_bytes(hash, a->view, VIEW_SIZE);
    }
    if (options.weak && tapped_is_on())
        for (int i = 0; i < actor_count; i++)
            hash = mix_bytes(mix_bytes(hash, world.actors[i].fenced, VIEW_SIZE),
                             world.actors[i].loaded, VIEW_SIZE);
    if (options.weak && (wake_is_channel() || broadcast_is()))
        hash = mix_bytes(hash, world.fence_view, VIEW_SIZE);
    if (broadcast_is())
        hash = mix(hash, broadcast_hash());
    hash = mix(hash, (uint64_t)world.kills_left);
    if (options.bound >= 0)
        hash = mix(hash, (uint64_t)(last + 1));
    return hash ? hash : 1;
}

/* ---------------------------------------------------------------- search */

static double search(int depth, int last, int left);

static bool may_be_killed(int actor)
{
    return world.kills_left > 0 && world.actors[actor].state != DEAD &&
           scripts[actor].process == actor &&
           (!running->killable || strchr(running->killable, 'a' + actor));
}

static double try_steps(int depth, int actor, int last, int left)
{
    uint64_t choices = memory_choices(&world.actors[actor]);
    double executions = 0;

    if (last >= 0 && last != actor && world.actors[last].state == RUNS)
        left--;
    if (options.bound >= 0 && left < 0) {
        report.pruned++;
        return 0;
    }
    for (int choice = 0; choices; choice++, choices >>= 1) {
        if (!(choices & 1))
            continue;
        schedule_step(actor, choice);
        report.steps++;
        if (!world.actors[actor].waits)
            executions += search(depth + 1, actor, left);
        snapshot_restore(snapshots[depth]);
    }
    return executions;
}

static double try_death(int depth, int actor, int last, int left)
{
    double executions;

    world.kills_left--;
    script_kill(actor);
    for (int i = 0; i < actor_count; i++)
        if (world.actors[i].state == DEAD)
            world.actors[i].hash = actor_boundary_hash(i);
    report.kills++;
    executions = search(depth + 1, last, left);
    snapshot_restore(snapshots[depth]);
    return executions;
}

static double expand(int depth, int last, int left)
{
    double executions = 0;
    bool over = true;

    snapshots[depth] = snapshot_make(snapshots[depth]);
    for (int i = 0; i < actor_count; i++) {
        if (wake_may_step(i)) {
            over = false;
            executions += try_steps(depth, i, last, left);
        }
        if (may_be_killed(i))
            executions += try_death(depth, i, last, left);
    }
    if (over)
        wake_check_sleepers();
    return over ? executions + 1 : executions;
}

static double search(int depth, int last, int left)
{
    uint64_t hash = state_hash(last);
    const struct seen *seen = find(hash);
    double executions;

    if (seen->hash && seen->left >= left)
        return seen->executions;
    if (report.states >= options.max_states) {
        report.full = true;
        return 0;
    }
    if (depth >= DEPTH_MAX && wake_is_channel())
        violation("they keep each other awake, and nobody gets on");
    if (depth >= DEPTH_MAX)
        harness_error("a path is too long");
    if (!seen->hash) {
        report.states++;
        check_state();
        check_stopped();
    }
    executions = expand(depth, last, left);
    remember(hash, left, executions);
    return executions;
}

struct report explore(const struct scenario *s)
{
    memset(&report, 0, sizeof report);
    free(table.slots);
    memset(&table, 0, sizeof table);
    resize(1 << 16);
    judged_forget();
    script_setup(s);
    report.executions = search(0, -1, options.bound);
    return report;
}
