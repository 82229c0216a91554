/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "inspect.h"
#include "style.h"
#include <ctype.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 16 };

static const struct command_option options[] = {
    {'n', "words", "N", "control words from the head on; 16 unless told"},
    {'b', "before", "N", "blocks before the head; 4 unless told"},
    {'s', "bytes", "SIZE", "bytes of each entry at most; 64 unless told"},
    COMMAND_JSON_OPTION,
    {0},
};

static const struct command_help help = {
    .name = "dump",
    .operands = "NAME",
    .summary = "Prints control words and entries around the head of a channel",
    .text = "Entries in hexadecimal and as text. They are read while others go "
            "on: what is read\nby its consumer meanwhile can be overwritten "
            "by a later entry. The blocks before\nthe head were read already. "
            "Of a file that is no ring the first bytes are\nprinted.\n",
    .options = options,
    .exits = "  0  done\n"
             "  1  it is no ring, or there is damage\n"
             "  3  it cannot be read\n"
             "  4  there is nothing of that name\n",
};

struct request {
    uint64_t words, before, bytes;
    bool as_json;
    struct json_object *array; /* of blocks */
};

static const char *state_name(uint32_t state)
{
    static const char *const names[] = {
        [CONTROL_FREE] = "FREE", [CONTROL_READY] = "READY",
        [CONTROL_BUSY] = "BUSY", [CONTROL_PAD] = "PAD",
        [CONTROL_SKIP] = "SKIP", [CONTROL_ARRAY] = "ARRAY",
    };

    return state < sizeof names / sizeof names[0] ? names[state] : "damage";
}

static void print_line(uint64_t at, const unsigned char *bytes, size_t count)
{
    printf("    %08" PRIx64 " ", at);
    for (size_t i = 0; i < LINE; i++) {
        if (i % 8 == 0)
            putchar(' ');
        if (i < count)
            printf("%02x ", bytes[i]);
        else
            fputs("   ", stdout);
    }
    fputs(" |", stdout);
    for (size_t i = 0; i < count; i++)
        putchar(bytes[i] < 0x80 && isprint(bytes[i]) ? bytes[i] : '.');
    puts("|");
}

static void print_bytes(const unsigned char *bytes, uint64_t size,
                        uint64_t most)
{
    uint64_t shown = size < most ? size : most;

    for (uint64_t at = 0; at < shown; at += LINE) {
        uint64_t left = shown - at;

        print_line(at, bytes + at, left < LINE ? (size_t)left : LINE);
    }
    if (shown < size)
        printf("    ... %" PRIu64 " bytes more\n", size - shown);
}

static struct json_object *hex_of(const unsigned char *bytes, uint64_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *text = size < SIZE_MAX / 2 ? malloc(2 * (size_t)size + 1) : NULL;
    struct json_object *hex;

    if (!text)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = '\0';
    hex = json_object_new_string(text);
    free(text);
    return hex;
}

/* ------------------------------------------------------------------ a block */

/* One control word, and the entry that it speaks of. */
struct block {
    uint64_t position, word;
    const char *place; /* "before the head", "the head" or "" */
    enum look look;
    uint64_t offset;
    const unsigned char *payload; /* of an entry, else NULL */
    uint32_t size;
};

static void print_meaning(const struct inspection *in, const struct block *b)
{
    uint32_t value = control_value(b->word);
    const struct inspect_owner *owner;

    if (!inspect_is_plausible(&in->ring, b->position, b->word)) {
        fputs("of no lap that was: damage", stdout);
        return;
    }
    if (control_tag(b->word) != position_tag(&in->ring, b->position)) {
        fputs("old: inside an entry, a claim or filler", stdout);
        return;
    }
    switch (control_state(b->word)) {
    case CONTROL_READY:
        printf("READY, %" PRIu32 " bytes", value);
        break;
    case CONTROL_ARRAY:
        printf("ARRAY of %" PRIu32 " times %" PRIu32 " bytes",
               control_array_count(value), control_array_size(value));
        break;
    case CONTROL_BUSY:
        owner = inspect_find_owner(in, value);
        if (owner)
            printf("BUSY by pid %" PRIu32, owner->view.pid);
        else
            fputs("BUSY by a process that has gone", stdout);
        break;
    case CONTROL_PAD:
    case CONTROL_SKIP:
        printf("%s over %" PRIu32 " block%s",
               state_name(control_state(b->word)), value,
               value == 1 ? "" : "s");
        break;
    default:
        fputs(state_name(control_state(b->word)), stdout);
    }
}

static void print_block(const struct inspection *in, const struct request *q,
                        const struct block *b)
{
    bool is_bad = b->look == LOOK_DAMAGE;

    printf("%s%12" PRIu64 "%s  block %" PRIu32 " lap %" PRIu64
           "  word %016" PRIx64 "  %s",
           style_begin(stdout, is_bad ? STYLE_BAD : STYLE_BOLD), b->offset,
           style_end(stdout), position_index(&in->ring, b->position),
           position_lap(&in->ring, b->position), b->word,
           is_bad ? "cannot be true: " : "");
    print_meaning(in, b);
    printf("%s%s\n", *b->place ? "  <- " : "", b->place);
    if (b->payload)
        print_bytes(b->payload, b->size, q->bytes);
}

static void keep_block(const struct inspection *in, const struct request *q,
                       const struct block *b)
{
    struct json_object *to = json_object_new_object();
    char word[19];

    snprintf(word, sizeof word, "0x%016" PRIx64, b->word);
    json_object_object_add(to, "offset", json_object_new_uint64(b->offset));
    json_object_object_add(
        to, "block",
        json_object_new_uint64(position_index(&in->ring, b->position)));
    json_object_object_add(
        to, "lap",
        json_object_new_uint64(position_lap(&in->ring, b->position)));
    json_object_object_add(to, "word", json_object_new_string(word));
    json_object_object_add(
        to, "state",
        json_object_new_string(state_name(control_state(b->word))));
    json_object_object_add(to, "value",
                           json_object_new_uint64(control_value(b->word)));
    json_object_object_add(
        to, "is_of_this_lap",
        json_object_new_boolean(control_tag(b->word) ==
                                position_tag(&in->ring, b->position)));
    json_object_object_add(to, "is_damage",
                           json_object_new_boolean(b->look == LOOK_DAMAGE));
    if (b->payload) {
        json_object_object_add(to, "size", json_object_new_uint64(b->size));
        json_object_object_add(
            to, "bytes",
            hex_of(b->payload, b->size < q->bytes ? b->size : q->bytes));
    }
    json_object_array_add(q->array, to);
}

static void tell(const struct inspection *in, const struct request *q,
                 const struct block *b)
{
    if (q->as_json)
        keep_block(in, q, b);
    else
        print_block(in, q, b);
}

/* ----------------------------------------------------------------- the ring */

static uint64_t step_back(const struct ring *r, uint64_t position)
{
    return position_index(r, position) == 0 ? position - 1 - r->lap_gap
                                            : position - 1;
}

static void dump_before(const struct inspection *in, const struct request *q,
                        uint64_t head)
{
    const struct ring *r = &in->ring;
    uint64_t at = head;
    uint64_t count = 0;

    while (count < q->before && count < r->block_count && at > r->first) {
        at = step_back(r, at);
        count++;
    }
    for (; count > 0; count--, at = position_advance(r, at, 1)) {
        struct block b = {.position = at,
                          /* Relaxed: for people. */
                          .word = atomic_get_relaxed(position_control(r, at)),
                          .place = "read already",
                          .offset = position_offset(r, at),
                          .look = LOOK_NOTHING};

        tell(in, q, &b);
    }
}

/* False: there is damage. */
static bool dump_from(const struct inspection *in, const struct request *q,
                      uint64_t head)
{
    const struct ring *r = &in->ring;
    uint64_t tail = protocol_tail(r);
    uint64_t at = head;

    for (uint64_t i = 0; i < q->words; i++) {
        struct view view;
        struct block b = {.place = at == head ? "the head" : ""};

        if (position_distance(r, position_of_head(at), tail) <= 0)
            break;
        b.look = take_look_at(r, at, &view);
        b.position = view.position;
        b.word = view.word;
        b.offset = take_offset(r, &view);
        if (b.look == LOOK_ENTRY) {
            b.payload = take_payload(r, &view);
            b.size = view.size;
        }
        tell(in, q, &b);
        if (b.look == LOOK_DAMAGE)
            return false;
        at = b.look == LOOK_ENTRY || b.look == LOOK_FILLER
                 ? view.next
                 : position_advance(r, view.position, 1);
    }
    return true;
}

static void print_heading(const struct segment *s, const struct inspection *in)
{
    const struct ring *r = &in->ring;

    printf("%s: %" PRIu32 " blocks of %d bytes, %" PRIu32 " owner slots, "
           "creation %016" PRIx64 "\n",
           s->name, r->block_count, SHMIPC_BLOCK, r->owners.count, r->creation);
    /* Relaxed, all: for people. */
    printf("tail %016" PRIx64 " role %016" PRIx64 " closed %" PRIu64 "\n",
           atomic_get_relaxed(&r->tail->position),
           atomic_get_relaxed(&r->tail->role),
           atomic_get_relaxed(&r->tail->closed));
    printf("head %016" PRIx64 " role %016" PRIx64 " closed %" PRIu64 "\n",
           atomic_get_relaxed(&r->gate->position),
           atomic_get_relaxed(&r->gate->role),
           atomic_get_relaxed(&r->gate->closed));
    printf("readers' wait: sequence %" PRIu32 " sleepers %" PRIu32
           " fenced %" PRIu32 "\nwriters' wait: sequence %" PRIu32
           " sleepers %" PRIu32 " fenced %" PRIu32 "\n",
           atomic_get_relaxed(&in->region->readers.sequence),
           atomic_get_relaxed(&in->region->readers.sleepers),
           atomic_get_relaxed(&in->region->readers.fenced),
           atomic_get_relaxed(&in->region->writers.sequence),
           atomic_get_relaxed(&in->region->writers.sleepers),
           atomic_get_relaxed(&in->region->writers.fenced));
}

static void print_json(const struct segment *s, const struct inspection *in,
                       const struct request *q)
{
    struct json_object *to = json_object_new_object();

    json_object_object_add(to, "name", json_object_new_string(s->name));
    json_object_object_add(to, "kind",
                           json_object_new_string(inspect_kind_name(in->kind)));
    if (in->kind == INSPECT_RING)
        json_object_object_add(to, "blocks", q->array);
    else
        json_object_object_add(
            to, "bytes",
            hex_of(s->memory, s->size < q->bytes ? s->size : q->bytes));
    command_print_json(to, false);
}

static int dump_ring(const struct segment *s, const struct inspection *in,
                     struct request *q)
{
    /* Acquire [head]: before the words that it points at. */
    uint64_t head = atomic_get_acquire(&in->ring.gate->position);
    bool is_whole = in->ends_are_true;

    q->array = json_object_new_array();
    if (!q->as_json)
        print_heading(s, in);
    if (is_whole) {
        dump_before(in, q, position_of_head(head));
        is_whole = dump_from(in, q, head);
    }
    if (q->as_json)
        print_json(s, in, q);
    else
        json_object_put(q->array);
    return is_whole ? COMMAND_OK : COMMAND_FOUND;
}

static int dump(const struct segment *s, struct request *q)
{
    struct inspection in;
    int code = COMMAND_FOUND;

    inspect_open(&in, s);
    if (in.kind == INSPECT_RING) {
        code = dump_ring(s, &in, q);
    } else if (q->as_json) {
        print_json(s, &in, q);
    } else {
        printf("%s: %s, %zu bytes\n", s->name, inspect_kind_name(in.kind),
               s->size);
        print_bytes(s->memory, s->size, q->bytes);
    }
    inspect_close(&in);
    return code;
}

static void read_option(struct command_scan *scan, int id, struct request *q)
{
    if (id == 'j')
        q->as_json = true;
    else if (id == 's' ? !command_parse_size(scan->value, &q->bytes)
                       : !command_parse_count(
                             scan->value, id == 'n' ? &q->words : &q->before))
        command_refuse_value(scan);
}

int command_dump(int argc, char **argv)
{
    struct request q = {.words = 16, .before = 4, .bytes = 64};
    struct command_scan scan;
    struct segment s;
    const char *name;
    int error, code;

    command_begin(&scan, &help, argc, argv);
    for (int id; (id = command_next(&scan)) != -1;)
        read_option(&scan, id, &q);
    name = command_operands(&scan, 1, 1)[0];
    error = segment_open(&s, name);
    code = error ? command_complain_of(name, error) : dump(&s, &q);
    segment_close(&s);
    return command_finish(code);
}
