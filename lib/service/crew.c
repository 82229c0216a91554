/* SPDX-License-Identifier: MIT */
#include "service/crew.h"
#include <stdlib.h>

static bool is_us(const IpcChannel *ch, uint32_t owner)
{
    /* Relaxed, both: what we stored ourselves. */
    return atomic_get_relaxed(&ch->buffer.entered) == process_token() &&
           atomic_get_relaxed(&ch->buffer.owner) == owner;
}

uint32_t *crew_make_known(const IpcChannel *ch)
{
    return calloc(ch->buffer.ring.owners.count, sizeof(uint32_t));
}

/* True: it was not known. */
static bool learn(uint32_t *known, uint32_t owner)
{
    uint32_t before = *known;

    *known = owner + 1;
    return before != owner + 1;
}

struct crew crew_look(const IpcChannel *ch, bool besides_us, uint32_t *known)
{
    const struct ring *r = &ch->buffer.ring;
    struct crew crew = {.state = CREW_DEAD};

    if (creation_is_over(r))
        return crew;
    for (uint32_t i = 0; i < r->owners.count; i++) {
        struct owner_view view;

        /* Relaxed: a hint, whom it is worth to judge. */
        if (!(atomic_get_relaxed(&r->owners.slots[i].marks) & OWNER_CONSUMES) ||
            !owner_look(&r->owners, i, &view) ||
            !(view.marks & OWNER_CONSUMES) ||
            (besides_us && is_us(ch, view.owner)))
            continue;
        if (view.fate != OWNER_IS_DEAD)
            crew.count++;
        else if (known && learn(&known[i], view.owner))
            crew.has_lost = true;
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
