/* SPDX-License-Identifier: MIT */
#include "bridge/near.h"
#include "bridge/carrier.h"
#include "bridge/sending.h"
#include <stdlib.h>

#define MEASURE_NS (200 * TICKS_MS)

/* ------------------------------------------------------------------ channel */

static bool open_intake(struct near *n)
{
    struct route *route = n->route;
    const char *wrong =
        intake_open(&n->in, route->options.name, route->path,
                    &route->options.open, route->options.is_lossy);

    if (wrong) {
        log_rarely(&n->limit, route->title, "%s", wrong);
        return false;
    }
    n->stream = n->in.region.ring.creation;
    n->known = n->sent = n->most = n->acknowledged = n->heard = WIRE_NONE;
    n->flights.count = 0;
    n->is_first = true;
    if (n->in.kind == INTAKE_PLAIN)
        log_line(route->title, "the channel is for many readers: one message "
                               "at a time is on its way. Make it for one "
                               "consumer (`shmipc create --one-consumer`)");
    session_begin_anew(n);
    return true;
}

/* The connection may still be sending what is in the channel. */
static void await_lent(struct near *n)
{
    carrier_close(n->route);
    /* Acquire: its loads of the channel came before. */
    while (atomic_load_explicit(&n->lent, memory_order_acquire) > 0) {
        const struct timespec turn = ticks_span(TICKS_MS);

        nanosleep(&turn, NULL);
    }
}

static void close_intake(struct near *n)
{
    batch_drop(&n->batch);
    await_lent(n);
    intake_close(&n->in);
    counters_set(&n->route->counters.is_up, 0);
}

/* Nothing is left in it, and the name leads to another one by now. */
static bool is_outdated(struct near *n)
{
    uint64_t now = ticks_now();

    if (n->flights.count > 0 || now - n->looked_at < SESSION_IDLE_NS)
        return false;
    n->looked_at = now;
    return region_is_replaced(&n->in.region, n->route->path);
}

static void measure(struct near *n)
{
    const struct flight *oldest = flights_oldest(&n->flights);
    uint64_t now = ticks_now(), lag, end;

    if (now - n->measured_at < MEASURE_NS)
        return;
    n->measured_at = now;
    intake_measure(&n->in, &lag, &end);
    counters_set(&n->route->counters.lag_bytes, lag);
    counters_set(&n->route->counters.lag_ns, oldest ? now - oldest->sent : 0);
}

/* ---------------------------------------------------------------------- run */

static void await_welcome(struct near *n)
{
    session_listen(n, (int)(SESSION_IDLE_NS / TICKS_MS));
    if (n->is_welcome || ticks_now() - n->hello_at < n->hello_pause)
        return;
    n->hello_pause = 2 * n->hello_pause > SESSION_HELLO_MOST_NS
                         ? SESSION_HELLO_MOST_NS
                         : 2 * n->hello_pause;
    log_rarely(&n->limit, n->route->title, "%s does not answer",
               n->route->options.address);
    if (n->hello_pause > SESSION_HELLO_NS)
        session_connect_anew(n);
    session_say_hello(n);
}

/* How long to wait for an entry. What arrives meanwhile is noticed as late as
 * that. */
static uint64_t next_wait(const struct near *n)
{
    if (n->flights.count == 0)
        return SESSION_IDLE_NS;
    return intake_is_short(&n->in, 2) ? 0 : SESSION_WAIT_NS;
}

/* False: the channel has to be opened again. */
static bool go_on(struct near *n)
{
    enum intake_result r;
    uint64_t wait_ns;

    session_listen(n, 0);
    measure(n);
    if (!n->is_welcome) {
        await_welcome(n);
        return true;
    }
    session_ask_if_due(n);
    if (flights_are_full(&n->flights)) {
        session_listen(n, 10);
        return true;
    }
    r = sending_fill(n, 0);
    if (r == INTAKE_EMPTY) {
        wait_ns = next_wait(n);
        if (wait_ns > 0)
            r = sending_fill(n, wait_ns);
        else
            session_listen(n, 1);
    }
    if (r == INTAKE_ENTRY) {
        sending_send(n);
    } else if (r == INTAKE_CLOSED) {
        session_listen(n, (int)(SESSION_IDLE_NS / TICKS_MS));
    } else if (r == INTAKE_FAILED) {
        log_rarely(&n->limit, n->route->title,
                   "the channel cannot be read: another process may have the "
                   "role of its consumer");
        route_pause(n->route, TICKS_SECOND);
    }
    return r != INTAKE_GONE && (r == INTAKE_ENTRY || !is_outdated(n));
}

/* At the end: what a subscriber leaves in the channel nobody keeps for it. */
static void drain(struct near *n)
{
    while (n->is_welcome && !session_must_end(n)) {
        if (n->in.kind == INTAKE_SUBSCRIBER &&
            sending_fill(n, 0) == INTAKE_ENTRY)
            sending_send(n);
        else if (n->flights.count == 0)
            break;
        session_listen(n, 1);
        session_ask_if_due(n);
    }
    if (n->flights.count > 0)
        log_line(n->route->title, "ends before all was acknowledged; who comes "
                                  "next sends it again");
}

void near_run(struct route *route)
{
    struct near *n = calloc(1, sizeof *n);
    bool is_open = false;

    if (!n) {
        log_line(route->title, "there is no memory");
        return;
    }
    n->route = route;
    while (!route_stops(route)) {
        if (!is_open && !(is_open = open_intake(n))) {
            route_pause(route, TICKS_SECOND);
        } else if (!go_on(n)) {
            log_line(route->title, "the channel was made anew");
            close_intake(n);
            session_connect_anew(n);
            is_open = false;
        }
    }
    if (is_open) {
        drain(n);
        close_intake(n);
    }
    free(n);
}
