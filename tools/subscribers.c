/* SPDX-License-Identifier: MIT */
#include "subscribers.h"

static void look_at_place(const struct ring *r, uint64_t gate, uint64_t tail,
                          struct inspect_subscriber *to)
{
    uint64_t cursor = to->state == SUBSCRIBER_EVICTED
                          ? cursor_evict(r, to->cursor)
                          : to->cursor;
    int64_t lag;

    to->position = position_of_head(cursor);
    lag = position_distance(r, to->position, tail);
    to->offset = position_offset(r, to->position);
    to->lag = lag > 0 ? (uint64_t)lag * SHMIPC_BLOCK : 0;
    /* Elsewhere than between the ends it is damage, and nobody's place. */
    to->holds = to->holds && position_distance(r, gate, to->position) >= 0 &&
                lag >= -(int64_t)r->block_count;
    /* Who is further behind than it may be loses entries instead. */
    if (to->policy == SUBSCRIBER_LAGS)
        to->holds = to->holds && to->lag <= to->lag_most;
}

static void look_at_pin(const struct ring *r, const struct shm_subscriber *s,
                        struct inspect_subscriber *to)
{
    /* Relaxed, all: figures of this look. */
    uint64_t pin = atomic_get_relaxed(&s->cursor.pinned);

    if (pin == 0 || !position_is_valid(r, pin))
        return;
    to->pinned =
        (uint64_t)atomic_get_relaxed(&s->cursor.pinned_blocks) * SHMIPC_BLOCK;
    to->pinned_offset = position_offset(r, pin);
    to->pinned_since = atomic_get_relaxed(&s->cursor.pinned_since);
}

bool subscribers_look(const struct ring *r, uint32_t i, uint64_t gate,
                      uint64_t tail, struct inspect_subscriber *to)
{
    const struct shm_subscriber *s = &r->subscribers[i];

    /* Acquire [tenure]: the other words are of this stay, or of a later. */
    *to = (struct inspect_subscriber){
        .cursor = atomic_get_acquire(&s->cursor.position)};
    if (to->cursor == cursor_free(r))
        return false;
    to->state = cursor_state(r, to->cursor);
    to->holds = cursor_holds(r, to->cursor);
    if (to->state >= SUBSCRIBER_JOINING) {
        to->owner = cursor_owner(r, to->cursor);
        return true;
    }
    /* Relaxed, all: figures of this look. */
    to->owner = atomic_get_relaxed(&s->owner);
    to->policy = (enum subscriber_policy)atomic_get_relaxed(&s->policy);
    to->lag_most = atomic_get_relaxed(&s->lag);
    to->lost = atomic_get_relaxed(&s->lost);
    to->since = atomic_get_relaxed(&s->since);
    look_at_pin(r, s, to);
    look_at_place(r, gate, tail, to);
    return true;
}

const struct inspect_subscriber *
subscribers_slowest(const struct inspect_subscriber *list, uint32_t count)
{
    const struct inspect_subscriber *found = NULL;

    for (uint32_t i = 0; i < count; i++)
        if (list[i].holds && (!found || list[i].lag > found->lag))
            found = &list[i];
    return found;
}

const char *subscribers_policy_name(enum subscriber_policy policy)
{
    switch (policy) {
    case SUBSCRIBER_BLOCKS:
        return "blocks";
    case SUBSCRIBER_LAGS:
        return "lags";
    }
    return "unknown";
}

const char *subscribers_state_name(enum subscriber_state state)
{
    switch (state) {
    case SUBSCRIBER_READS:
        return "reads";
    case SUBSCRIBER_EVICTED:
        return "evicted";
    case SUBSCRIBER_JOINING:
    case SUBSCRIBER_PUT_OFF:
        return "joins";
    }
    return "unknown";
}
