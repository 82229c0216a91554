/* SPDX-License-Identifier: MIT */
#include "service/crew.h"

/* Spreads ids, so that sums of them differ where sets of them do. */
static uint64_t spread(uint32_t owner)
{
    uint64_t x = (owner + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);

    return x ^ x >> 29;
}

static bool is_us(const IpcChannel *ch, uint32_t owner)
{
    /* Relaxed, both: what we stored ourselves. */
    return atomic_get_relaxed(&ch->buffer.entered) == process_token() &&
           atomic_get_relaxed(&ch->buffer.owner) == owner;
}

static void count(struct crew *crew, const struct owner_view *view)
{
    if (view->fate == OWNER_IS_DEAD)
        crew->dead += spread(view->owner);
    else
        crew->count++;
}

struct crew crew_look(const IpcChannel *ch, bool besides_us)
{
    const struct ring *r = &ch->buffer.ring;
    struct crew crew = {.state = CREW_DEAD};

    if (creation_is_over(r))
        return crew;
    for (uint32_t i = 0; i < r->owners.count; i++) {
        struct owner_view view;

        /* Relaxed: a hint, whom it is worth to judge. */
        if (atomic_get_relaxed(&r->owners.slots[i].marks) & OWNER_CONSUMES &&
            owner_look(&r->owners, i, &view) && view.marks & OWNER_CONSUMES &&
            !(besides_us && is_us(ch, view.owner)))
            count(&crew, &view);
    }
    if (crew.count > 0)
        crew.state = CREW_SERVES;
    else if (close_has_begun(r))
        crew.state = CREW_CLOSED;
    return crew;
}

bool crew_can_serve(const IpcChannel *ch)
{
    const struct ring *r = &ch->buffer.ring;

    return r->readers_enter && !r->one_consumer && !r->one_producer &&
           r->subscriber_count == 0;
}
