/* SPDX-License-Identifier: MIT */
/* What shared memory holds at a moment, read by layout.h alone, so that it can
 * be held against what the library says afterwards. */
#include "crash.h"
#include "ring/control.h"
#include <string.h>

/* ------------------------------------------------------------ which messages
 */

/* In a work queue, who has the message in that block. */
static enum holder holder_of(uint32_t block)
{
    uint64_t word = holder_words()[block];

    return is_work() && control_tag(word) == control_tag(control_words()[block])
               ? (enum holder)control_state(word)
               : NOT_HELD;
}

static void note_there(struct sight *s, uint32_t block, uint32_t offset)
{
    enum holder holder = holder_of(block);
    uint32_t id;

    if (holder == DONE)
        return;
    memcpy(&id, block_at(block) + offset, sizeof id);
    must(id < MESSAGES);
    s->there[id]++;
    s->count += holder != HELD && holder != HELD_AGAIN;
}

/* What is committed at that block; returns how many blocks to go on. */
static uint32_t look_at(struct sight *s, uint32_t block, uint64_t word,
                        uint32_t item)
{
    uint32_t value = control_value(word);

    switch (control_state(word)) {
    case CONTROL_READY:
        note_there(s, block, 0);
        break;
    case CONTROL_ARRAY:
        for (; item < control_array_count(value); item++)
            note_there(s, block,
                       item * control_array_stride(control_array_size(value)));
        break;
    case CONTROL_BUSY:
        s->busy = true;
        s->held_up |= s->count == 0;
        return 1; /* what is behind it is settled by words of its own */
    default:
        break;
    }
    return control_extent(word);
}

static void look_through(struct sight *s)
{
    uint64_t head = region->head.position;
    uint64_t position = head & SHMIPC_POSITION_MASK;
    uint64_t tail = region->tail.position & ~SHMIPC_TAIL_CLOSED;
    uint32_t item = (uint32_t)(head / SHMIPC_HEAD_ITEM);

    for (uint32_t i = 0; i < BLOCKS; i++, item = 0) {
        uint32_t block = (uint32_t)position % (1u << index_bits());
        uint64_t word = control_words()[block];
        bool old = control_tag(word) != (uint32_t)(position >> index_bits()) ||
                   control_state(word) == CONTROL_FREE;

        /* What the one producer committed counts before tail moves. */
        if (mode & IPC_BUFFER_ONE_PRODUCER ? old : position >= tail)
            break;
        position += old ? 1 : look_at(s, block, word, item);
        if (position % (1u << index_bits()) == BLOCKS)
            position += (1u << index_bits()) - BLOCKS;
    }
}

struct sight look(void)
{
    struct sight s = {.identity = READY};

    if (region->identity.ready != SHMIPC_READY)
        s.identity =
            region->identity.magic == SHMIPC_MAGIC ? NOT_READY : NOT_FORMATTED;
    memcpy(s.seen, ledger->seen, sizeof s.seen);
    s.is_first = region->identity.creation == 1;
    if (s.identity != READY)
        return s;
    s.closed =
        region->tail.closed || (region->tail.position & SHMIPC_TAIL_CLOSED);
    look_through(&s);
    return s;
}

/* --------------------------------------------------------------- its hash */

/* What differs from process to process counts as there or not. */
static void hide(uint64_t *word, uint64_t bits)
{
    *word = (*word & ~bits) | ((*word & bits) != 0);
}

static void hide_owner(struct shm_owner *slot)
{
    uint64_t word = slot->identity;

    hide(&word, UINT64_C(0x3fffff) << 28); /* pid */
    slot->identity = word;
    word = slot->started;
    hide(&word, (UINT64_C(1) << 50) - 1); /* start time */
    slot->started = word;
    slot->image = slot->image != 0;
    slot->stack = slot->stack != 0;
    slot->since = slot->since != 0;
}

static void hide_differences(struct shm_region *r)
{
    uint64_t word = r->tail.role;

    hide(&word, UINT64_C(0xffffffff) << 32); /* number of a handle */
    r->tail.role = word;
    word = r->head.role;
    hide(&word, UINT64_C(0xffffffff) << 32);
    r->head.role = word;
    for (int i = 0; i < OWNERS; i++)
        hide_owner(&r->owners[i]);
    for (int i = 0; is_broadcast() && i < SUBSCRIBERS; i++) {
        struct shm_subscriber *s = (void *)&r->owners[OWNERS];

        s[i].since = s[i].since != 0;
        s[i].cursor.pinned_since = s[i].cursor.pinned_since != 0;
    }
    if (r->identity.creation == 1)
        return;
    /* Where a new ring begins is chance. */
    r->identity.creation = r->identity.creation != 0;
    r->tail.position = r->tail.position != 0;
    r->tail.intended = r->tail.intended != 0;
    r->head.position = r->head.position != 0;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *b = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ b[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t hash_of_state(void)
{
    static _Alignas(64) unsigned char copy[4096];

    must(region_size <= sizeof copy);
    memcpy(copy, region, region_size);
    hide_differences((void *)copy);
    return mix(mix(UINT64_C(0xcbf29ce484222325), copy, region_size), ledger,
               sizeof *ledger);
}

/* ------------------------------------------------------------- its names */

static const struct {
    size_t offset;
    const char *name;
} words[] = {
    {offsetof(struct shm_region, identity), "identity"},
    {offsetof(struct shm_region, identity.creation), "creation"},
    {offsetof(struct shm_region, identity.reserved), "identity"},
    {offsetof(struct shm_region, identity.ready), "ready"},
    {offsetof(struct shm_region, tail.position), "tail"},
    {offsetof(struct shm_region, tail.role), "producer's role"},
    {offsetof(struct shm_region, tail.closed), "tail's closed"},
    {offsetof(struct shm_region, tail.intended), "intended"},
    {offsetof(struct shm_region, head.position), "head"},
    {offsetof(struct shm_region, head.role), "consumer's role"},
    {offsetof(struct shm_region, head.closed), "head's closed"},
    {offsetof(struct shm_region, readers.sequence), "readers' sequence"},
    {offsetof(struct shm_region, readers.sleepers), "sleeping readers"},
    {offsetof(struct shm_region, readers.unsignalled), "unsignalled"},
    {offsetof(struct shm_region, readers.fenced), "promise to readers"},
    {offsetof(struct shm_region, writers.sequence), "writers' sequence"},
    {offsetof(struct shm_region, writers.sleepers), "sleeping writers"},
    {offsetof(struct shm_region, writers.unsignalled), "unsignalled"},
    {offsetof(struct shm_region, writers.fenced), "promise to writers"},
    {offsetof(struct shm_region, owners), NULL},
};

static const char *const of_owner[] = {
    "identity", "identity", "start", "start", "time namespace", "boot",
    "image",    "image",    "stack", "stack", "count",          "count",
    "handles",  "marks",    "since", "since",
};

static const char *name_of(size_t offset, char *room, size_t size)
{
    static const char *const states[] = {"FREE", "READY", "BUSY",
                                         "PAD",  "SKIP",  "ARRAY"};
    const size_t owners = offsetof(struct shm_region, owners);
    const size_t subscribers = owners + OWNERS * sizeof(struct shm_owner);
    const size_t control =
        (size_t)((unsigned char *)control_words() - (unsigned char *)region);
    const size_t blocks = region_size - (size_t)BLOCKS * SHMIPC_BLOCK;
    size_t i = 0;

    if (offset >= blocks) {
        snprintf(room, size, "block %zu", (offset - blocks) / SHMIPC_BLOCK);
    } else if (offset >= control) {
        i = (offset - control) / 8;
        if (i >= BLOCKS)
            snprintf(room, size, "holder %zu", i - BLOCKS);
        else
            snprintf(room, size, "word %zu is %s", i,
                     states[control_state(control_words()[i])]);
    } else if (offset >= subscribers) {
        i = offset - subscribers;
        snprintf(room, size, "subscriber %zu's %s", i / 128,
                 i % 128 < 8     ? "cursor"
                 : i % 128 < 104 ? "words"
                                 : "owner");
    } else if (offset >= owners) {
        i = offset - owners;
        snprintf(room, size, "owner %zu's %s", i / 64, of_owner[i % 64 / 4]);
    } else {
        while (words[i + 1].offset <= offset)
            i++;
        return words[i].name;
    }
    return room;
}

static void print_change(const unsigned char *before,
                         const struct ledger *noted_before)
{
    const unsigned char *is = (const unsigned char *)region;
    char last[64] = "", room[64];

    printf("   ");
    for (size_t i = 0; i < region_size; i++) {
        const char *name = name_of(i, room, sizeof room);

        if (is[i] == before[i] || strcmp(name, last) == 0)
            continue;
        printf("%s %s", last[0] ? "," : "", name);
        snprintf(last, sizeof last, "%s", name);
    }
    if (memcmp(ledger, noted_before, sizeof *noted_before) != 0)
        printf(" noted");
    putchar('\n');
}

static unsigned char was[4096];
static struct ledger noted;

void remember_state(void)
{
    must(region_size <= sizeof was);
    memcpy(was, region, region_size);
    memcpy(&noted, ledger, sizeof noted);
}

bool state_has_changed(bool prints)
{
    if (memcmp(was, region, region_size) == 0 &&
        memcmp(&noted, ledger, sizeof noted) == 0)
        return false;
    if (prints)
        print_change(was, &noted);
    return true;
}
