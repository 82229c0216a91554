/* SPDX-License-Identifier: MIT */
/*
 * What was judged before, so that the same is not tried again from states that
 * differ in nothing that matters then: those who die where they stand take with
 * them what they have seen, and the checker sees latest values only.
 */
#include "model.h"
#include <stdlib.h>
#include <string.h>

static struct {
    uint64_t *slots; /* 0: free */
    uint64_t size;
    uint64_t used;
} table;

static uint64_t *find(uint64_t hash)
{
    uint64_t i = hash & (table.size - 1);

    while (table.slots[i] && table.slots[i] != hash)
        i = (i + 1) & (table.size - 1);
    return &table.slots[i];
}

static void resize(uint64_t size)
{
    uint64_t *old = table.slots;
    uint64_t old_size = table.size;

    table.slots = calloc(size, sizeof *table.slots);
    table.size = size;
    if (!table.slots)
        harness_error("out of memory");
    for (uint64_t i = 0; i < old_size; i++)
        if (old[i])
            *find(old[i]) = old[i];
    free(old);
}

void judged_forget(void)
{
    free(table.slots);
    memset(&table, 0, sizeof table);
    resize(1 << 16);
}

static bool was_judged(uint64_t hash)
{
    uint64_t *slot;

    if (2 * table.used >= table.size)
        resize(2 * table.size);
    slot = find(hash ? hash : 1);
    if (*slot)
        return true;
    *slot = hash ? hash : 1;
    table.used++;
    return false;
}

/* Memory as the checker sees it, words that nobody shares too. */
static uint64_t hash_memory(uint64_t hash)
{
    hash = mix(hash, memory_latest_hash());
    hash = mix_bytes(hash, world.region, sizeof world.region);
    return mix_bytes(hash, world.locks, sizeof world.locks);
}

/* Who goes on when the checker has gone laps does what follows from that; how
 * old what he sees may be, and who ran last, is of no interest any more. */
bool judged_stopped(void)
{
    uint64_t hash = hash_memory(1);

    for (int i = 0; i < actor_count; i++) {
        const struct actor *a = &world.actors[i];

        hash = mix(hash, a->hash);
        hash = mix(hash, (uint64_t)a->state << 32 | (uint64_t)a->stirred << 5 |
                             (uint64_t)a->vain << 4 | (uint64_t)a->took << 3 |
                             (uint64_t)a->other_true << 2 |
                             (uint64_t)a->full_true << 1 | a->empty_true);
    }
    if (broadcast_is())
        hash = mix(hash, broadcast_hash());
    return was_judged(hash);
}

/* What the dead wrote and read, and what was said of it. */
static uint64_t hash_accounts(uint64_t hash)
{
    for (int i = 0; i < actor_count; i++) {
        const struct actor *a = &world.actors[i];

        hash = mix(hash, (uint64_t)a->call << 1 | a->took);
        for (int c = 0; c < a->call; c++) {
            hash = mix(hash, (uint64_t)(unsigned)a->results[c].status << 32 |
                                 a->results[c].id);
            hash = mix(hash, a->results[c].offset);
        }
    }
    hash = mix_bytes(hash, world.read_count, sizeof world.read_count);
    return mix_bytes(hash, world.read_offset, sizeof world.read_offset);
}

bool judged_dead(bool undisturbed)
{
    uint64_t hash = hash_memory(2 + undisturbed);

    /* What subscribers got was looked at as they got it. */
    if (!broadcast_is())
        hash = hash_accounts(hash);
    hash = mix(hash, (uint64_t)world.checker_written);
    hash = mix_bytes(hash, world.checker_read, sizeof world.checker_read);
    hash = mix_bytes(hash, &world.channels[CHECKER],
                     sizeof world.channels[CHECKER]);
    /* A tap is where it was when all have finished. */
    return !(undisturbed && tapped_is_on()) && was_judged(hash);
}
