/* SPDX-License-Identifier: MIT */
/*
 * What arrives from the network is refused, or is what it says it is: messages
 * that are good, then the same damaged in every byte, cut at every length, and
 * many that are damaged at random. Memory is as long as what came, so that
 * sanitizers see what goes beyond it.
 *
 *     any-message [ROUNDS]
 */
#include "bridge/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 5, PAYLOAD = ENTRIES * 7, ROUNDS = 200000 };
enum { FIRST = sizeof(struct wire_head) + ENTRIES * sizeof(struct wire_entry) };

static unsigned good, refused;

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    printf("not so: %s\n", what);
    exit(1);
}

static uint64_t next_random(void)
{
    static uint64_t x = 88172645463325252U;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

static void make_data(unsigned char *first)
{
    struct wire_head head = wire_make(WIRE_DATA, 3, 4, 8);

    head.count = ENTRIES;
    wire_swap_head(&head);
    memcpy(first, &head, sizeof head);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct wire_entry e = {64 + 8 * i, 7, 0};

        wire_swap_entry(&e);
        memcpy(first + sizeof head + i * sizeof e, &e, sizeof e);
    }
}

/* Whatever it says has to be within what came. */
static void look(const unsigned char *first, size_t first_size,
                 const unsigned char *payload, size_t payload_size)
{
    unsigned char *a = malloc(first_size + 1), *b = malloc(payload_size + 1);
    struct wire_message m;
    uint64_t last, sum = 0;

    must(a && b, "there is memory");
    a = realloc(a, first_size ? first_size : 1);
    b = realloc(b, payload_size ? payload_size : 1);
    memcpy(a, first, first_size);
    memcpy(b, payload, payload_size);
    if (wire_read(a, first_size, b, payload_size, &m)) {
        refused++;
    } else {
        good++;
        last = m.head.after;
        must(m.head.stream && m.head.session, "it has a stream and a session");
        for (uint32_t i = 0; i < m.head.count; i++) {
            struct wire_entry e = wire_entry(&m, i);

            must(last == WIRE_NONE || e.offset > last, "offsets grow");
            must(e.size > 0, "no entry is empty");
            sum += e.size;
            must(m.head.kind != WIRE_DATA || sum <= payload_size,
                 "payloads are within what came");
            must(m.payload[0] == payload[0], "payloads are what came");
            last = e.offset;
        }
        must(m.head.kind == WIRE_DATA ? sum == payload_size
             : m.head.kind == WIRE_PART
                 ? m.head.value + payload_size <= wire_entry(&m, 0).size
                 : first_size == sizeof m.head,
             "nothing is left over");
    }
    free(a);
    free(b);
}

static void try_every_byte(const unsigned char *first,
                           const unsigned char *payload)
{
    unsigned char damaged[FIRST];

    for (size_t i = 0; i < FIRST; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(damaged, first, FIRST);
            damaged[i] = (unsigned char)(damaged[i] ^ 1 << bit);
            look(damaged, FIRST, payload, PAYLOAD);
        }
    for (size_t size = 0; size < FIRST; size++)
        look(first, size, payload, PAYLOAD);
    for (size_t size = 0; size < PAYLOAD; size++)
        look(first, FIRST, payload, size);
}

static void try_at_random(const unsigned char *first,
                          const unsigned char *payload, long rounds)
{
    unsigned char damaged[FIRST];

    for (long i = 0; i < rounds; i++) {
        memcpy(damaged, first, FIRST);
        for (unsigned j = 0; j < 1 + next_random() % 3; j++)
            damaged[next_random() % FIRST] = (unsigned char)next_random();
        look(damaged, next_random() % 4 ? FIRST : next_random() % FIRST,
             payload, next_random() % 4 ? PAYLOAD : next_random() % PAYLOAD);
    }
}

/* Each of these alone must be enough to be refused. */
static void refuse_what_is_wrong(const unsigned char *first,
                                 const unsigned char *payload)
{
    static const struct {
        size_t at;
        unsigned char value;
        const char *what;
    } wrong[] = {
        {0, 0, "another magic"},
        {4, 2, "a newer version"},
        {5, 0, "no kind"},
        {5, 9, "an unknown kind"},
        {5, WIRE_HELLO, "entries behind a HELLO"},
        {7, 1, "an unknown flag"},
        {8, 0, "no stream"},
        {16, 0, "no session"},
        {24, 9, "an offset that is odd"},
        {24, 64, "an entry that is not behind the one before"},
        {40, 0, "no entries"},
        {40, ENTRIES + 1, "more entries than came"},
        {40, ENTRIES - 1, "fewer entries than came"},
        {41, 255, "very many entries"},
        {48, 1, "what is reserved"},
        {56, 65, "an entry at an odd offset"},
        {64, 0, "an entry without bytes"},
        {64, 6, "payloads that are too long"},
        {64, 8, "payloads that are too short"},
        {67, 255, "a very large entry"},
        {68, 1, "what is reserved in an entry"},
        {72, 64, "two entries of one offset"},
    };
    struct wire_message m;

    must(!wire_read(first, FIRST, payload, PAYLOAD, &m), "it is good");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        unsigned char damaged[FIRST];

        memcpy(damaged, first, FIRST);
        damaged[wrong[i].at] = wrong[i].value;
        if (!wire_read(damaged, FIRST, payload, PAYLOAD, &m))
            must(false, wrong[i].what);
    }
}

int main(int argc, char **argv)
{
    unsigned char first[FIRST], payload[PAYLOAD];

    for (int i = 0; i < PAYLOAD; i++)
        payload[i] = (unsigned char)i;
    make_data(first);
    refuse_what_is_wrong(first, payload);
    try_every_byte(first, payload);
    try_at_random(first, payload, argc > 1 ? atol(argv[1]) : ROUNDS);
    printf("%u good, %u refused\n", good, refused);
    must(good > 0 && refused > 0, "both were met");
    return 0;
}
