/* SPDX-License-Identifier: MIT */
#include "bridge/wire.h"
#include <endian.h>
#include <string.h>

void wire_swap_head(struct wire_head *head)
{
    head->magic = htole32(head->magic);
    head->flags = htole16(head->flags);
    head->stream = htole64(head->stream);
    head->session = htole64(head->session);
    head->after = htole64(head->after);
    head->value = htole64(head->value);
    head->count = htole32(head->count);
    head->number = htole32(head->number);
    head->reserved = htole64(head->reserved);
}

void wire_swap_entry(struct wire_entry *entry)
{
    entry->offset = htole64(entry->offset);
    entry->size = htole32(entry->size);
    entry->reserved = htole32(entry->reserved);
}

struct wire_head wire_make(enum wire_kind kind, uint64_t stream,
                           uint64_t session, uint64_t after)
{
    return (struct wire_head){
        .magic = WIRE_MAGIC,
        .version = WIRE_VERSION,
        .kind = (uint8_t)kind,
        .stream = stream,
        .session = session,
        .after = after,
    };
}

struct wire_entry wire_entry(const struct wire_message *message, uint32_t i)
{
    struct wire_entry entry;

    memcpy(&entry, message->table + (size_t)i * sizeof entry, sizeof entry);
    wire_swap_entry(&entry);
    return entry;
}

static bool is_offset(uint64_t offset)
{
    return offset % 8 == 0;
}

/* Offsets grow, sizes are possible and add up to what came. */
static const char *check_table(const struct wire_message *m, size_t payload)
{
    uint64_t last = m->head.after, sum = 0;

    for (uint32_t i = 0; i < m->head.count; i++) {
        struct wire_entry e = wire_entry(m, i);

        if (!is_offset(e.offset) || e.reserved != 0)
            return "an entry's offset is none";
        if (last != WIRE_NONE && e.offset <= last)
            return "entries are out of order";
        if (e.size == 0 || e.size > WIRE_ENTRY_MAX)
            return "an entry's size is none";
        last = e.offset;
        sum += e.size; /* at most 2^38 */
    }
    if (m->head.kind == WIRE_PART)
        return m->head.count == 1 && payload > 0 && m->head.value < sum &&
                       payload <= sum - m->head.value
                   ? NULL
                   : "a part is not within its entry";
    return sum == payload ? NULL : "payloads are not as long as entries say";
}

static const char *check_data(struct wire_message *m, size_t first_size,
                              size_t payload_size)
{
    if (m->head.count == 0 || m->head.count > WIRE_ENTRIES_MAX)
        return "a batch has no or too many entries";
    if (first_size - sizeof m->head !=
        m->head.count * sizeof(struct wire_entry))
        return "a table is not as long as it says";
    return check_table(m, payload_size);
}

static const char *check_head(const struct wire_head *h)
{
    if (h->magic != WIRE_MAGIC)
        return "it is no bridge's";
    if (h->version != WIRE_VERSION)
        return "it is of another version";
    if (h->kind < WIRE_HELLO || h->kind > WIRE_ANSWER)
        return "there is no such kind";
    if (h->stream == 0 || h->session == 0)
        return "it has no stream or no session";
    if (h->after != WIRE_NONE && !is_offset(h->after))
        return "it is about an offset that is none";
    if (h->flags & ~(WIRE_LOSSY | WIRE_SOON) || h->reserved != 0)
        return "what is reserved is used";
    return NULL;
}

const char *wire_read(const void *first, size_t first_size, const void *payload,
                      size_t payload_size, struct wire_message *message)
{
    struct wire_message m = {0};
    const char *wrong;

    if (first_size < sizeof m.head)
        return "it is too short";
    memcpy(&m.head, first, sizeof m.head);
    wire_swap_head(&m.head);
    wrong = check_head(&m.head);
    if (wrong)
        return wrong;
    m.table = (const unsigned char *)first + sizeof m.head;
    m.payload = payload;
    m.payload_size = payload_size;
    if (m.head.kind == WIRE_DATA || m.head.kind == WIRE_PART)
        wrong = check_data(&m, first_size, payload_size);
    else if (m.head.kind == WIRE_CALL || m.head.kind == WIRE_ANSWER)
        wrong = first_size != sizeof m.head || m.head.count != 0 ||
                        m.head.after == WIRE_NONE ||
                        payload_size > WIRE_CALL_MAX
                    ? "it is no call"
                    : NULL;
    else if (first_size != sizeof m.head || payload_size != 0 ||
             m.head.count != 0)
        wrong = "it is too long";
    if (!wrong)
        *message = m;
    return wrong;
}
