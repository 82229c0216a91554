/* SPDX-License-Identifier: MIT */
/*
 * Which words of memory the actors share, and how they are called.
 */
#include "locations.h"
#include <string.h>

enum { WORDS = REGION_BYTES / 4 };

struct locations map;
static int8_t region_map[WORDS];
static struct {
    const volatile void *address;
    int location;
} others[16];
static int others_count;
static char names[LOCATIONS_MAX][24];
static int first_control, first_holder;

static int add_location(void *address, const char *name, int number)
{
    int location = map.count++;

    if (location >= LOCATIONS_MAX)
        harness_error("too many locations");
    map.home[location] = address;
    map.bytes[location] = 8;
    map.is_wait_word[location] = false;
    if (number < 0)
        snprintf(names[location], sizeof names[0], "%s", name);
    else
        snprintf(names[location], sizeof names[0], "%s[%d]", name, number);
    return location;
}

static void map_word(void *address, const char *name, int number)
{
    size_t offset = (size_t)((unsigned char *)address - world.region);

    region_map[offset / 4] = (int8_t)add_location(address, name, number);
}

static void map_other(void *address, const char *name)
{
    others[others_count].address = address;
    others[others_count++].location = add_location(address, name, -1);
}

/* Of what was mapped last: it has 32 bits. */
static void is_half(void)
{
    map.bytes[map.count - 1] = 4;
}

static void map_blocks(const struct ring *r, uint32_t blocks)
{
    unsigned per_block = SHMIPC_BLOCK / chunk_size();

    first_control = map.count;
    for (uint32_t i = 0; i < blocks; i++)
        map_word(&r->control[i], "control", (int)i);
    first_holder = map.count;
    for (uint32_t i = 0; r->holders && i < blocks; i++)
        map_word(&r->holders[i], "holder", (int)i);
    map.first_chunk = map.count;
    for (uint32_t i = 0; i < blocks * per_block; i++)
        map_word(r->blocks + i * chunk_size(),
                 per_block == 1 ? "block" : "half-block", (int)i);
    map.chunk_end = map.count;
}

static void map_entry(struct IpcBuffer *b)
{
    map_other(&b->entered, "entered");
    map_other(&b->produces, "produces");
    map_other(&b->consumes, "consumes");
    map_other(&b->entering, "entering");
    map_other(&b->owner, "owner");
    is_half();
}

/* A handle that several actors use is shared memory as well. */
static void map_shared_handles(void)
{
    others_count = 0;
    for (int i = 0; i < actor_count; i++) {
        struct IpcChannel *ch = &world.channels[scripts[i].handle];
        struct IpcBuffer *b = &ch->buffer;

        if (scripts[i].handle == i || others_count)
            continue;
        if (wake_is_channel()) {
            map_other(&ch->waiter.interrupted, "interrupted");
            is_half();
        }
        map_other(&b->ring.room_end, "room_end");
        map_other(&b->idle_looks, "idle_looks");
        is_half();
        map_other(&b->gap_seen, "gap_seen");
        if (running->enters)
            map_entry(b);
    }
}

static void map_slot(struct shm_owner *slot, int number)
{
    map_word(&slot->identity, "owner id", number);
    map_word(&slot->started, "owner start", number);
    if (running->enters) {
        map_word(&slot->image, "owner image", number);
        map_word(&slot->handles, "owner handles", number);
        is_half();
        map_word(&slot->marks, "owner marks", number);
        is_half();
    }
}

static void map_wait(struct shm_wait *words, const char *side)
{
    const char *const names_of[] = {"sequence", "sleepers", "fenced"};
    atomic_u32 *const words_of[] = {&words->sequence, &words->sleepers,
                                    &words->fenced};
    char name[24];

    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s.%s", side, names_of[i]);
        map_word(words_of[i], name, -1);
        is_half();
        map.is_wait_word[map.count - 1] = true;
    }
}

static void map_subscriber(struct shm_subscriber *s, int number)
{
    map_word(&s->cursor.position, "cursor", number);
    map_word(&s->joined, "joined", number);
    map_word(&s->lag, "lag", number);
    map_word(&s->owner, "subscriber", number);
    is_half();
    map_word(&s->policy, "policy", number);
    is_half();
    if (strpbrk(running->script, "123")) {
        map_word(&s->cursor.pinned, "pin", number);
        map_word(&s->cursor.pinned_blocks, "pin length", number);
        is_half();
    }
}

static void map_subscribers(const struct ring *r)
{
    for (uint32_t i = 0; i < r->subscriber_count; i++)
        map_subscriber(&r->subscribers[i], (int)i);
    for (uint32_t i = 0; i < r->owners.count && r->subscriber_count; i++) {
        map_word(&r->owners.slots[i].marks, "owner marks", (int)i);
        is_half();
    }
}

void location_map(uint32_t blocks, uint32_t owners)
{
    const struct ring *r = &world.channels[CHECKER].buffer.ring;

    memset(region_map, -1, sizeof region_map);
    map.count = 0;
    map_word(&r->tail->position, "tail", -1);
    map_word(&r->gate->position, "head", -1);
    map_word(&r->tail->role, "tail.role", -1);
    map_word(&r->gate->role, "head.role", -1);
    map_blocks(r, blocks);
    for (uint32_t i = 0; i < owners; i++)
        map_slot(&r->owners.slots[i], (int)i);
    if (strchr(running->script, CALL_SHUT) ||
        strchr(running->script, CALL_END)) {
        map_word(&r->tail->closed, "tail.closed", -1);
        map_word(&r->gate->closed, "head.closed", -1);
    }
    if (tapped_is_on() && r->one_producer)
        map_word(&r->tail->intended, "tail.intended", -1);
    if (wake_is_channel()) {
        map_wait(&world.channels[CHECKER].buffer.region->readers, "readers");
        map_wait(&world.channels[CHECKER].buffer.region->writers, "writers");
    }
    map_subscribers(r);
    map_shared_handles();
}

int location_control(uint32_t index)
{
    return first_control + (int)index;
}

bool location_is_holder(int location)
{
    return location >= first_holder && location < map.first_chunk;
}

const char *location_name(int location)
{
    return location >= 0 ? names[location] : "";
}

int location_of(const volatile void *p)
{
    uintptr_t offset = (uintptr_t)p - (uintptr_t)world.region;

    if (!tracking)
        return -1;
    if (offset < REGION_BYTES)
        return region_map[offset / 4];
    for (int i = 0; i < others_count; i++)
        if (others[i].address == p)
            return others[i].location;
    return -1;
}
