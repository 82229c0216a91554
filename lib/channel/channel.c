/* SPDX-License-Identifier: MIT */
#include "channel/channel.h"
#include "buffer/read.h"
#include <sched.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Calls that do not wait look for dead producers once in so many answers
     * in a row that could be their doing. A poller can get that many while a
     * living one is writing a large entry. */
    STUCK_ANSWERS_PER_RECOVERY = 256,
    /* Who finds nothing to read and has not slept yet asks once in so many
     * times whether those who hold entries live: it may be so for each message.
     */
    HELD_LOOKS_PER_RECOVERY = 8,
    /* What a sleep and a wake-up cost: so spinning for nothing at most doubles
     * the cost. docs/design.md has the figures. */
    DEFAULT_SPIN_NS = 20000,
};

const char channel_null_handle[] =
    "the handle is NULL: create, connect or open a channel first, and see "
    "whether that worked";

const char channel_flag_of_buffer[] =
    "flags (error.body.value) has IPC_BUFFER_HAS_MEMORY_FD: a channel has "
    "IPC_CHANNEL_HAS_MEMORY_FD in options for that";

/* For a configuration that says nothing of waiting. A read waits until there is
 * an entry; who only sleeps looks a thousand times a second when idle. */
enum { DEFAULT_START_NS = 1000, DEFAULT_MAX_NS = 1000 * 1000 };

#define INCOMPLETE(member)                                                     \
    member " is 0, and the others of max_round_trips, start_sleep_ns and "     \
           "max_sleep_ns are not: give all three, or none for the defaults"

static bool says_nothing_of_waiting(const IpcChannelConfiguration *c)
{
    return c->max_round_trips == 0 && c->start_sleep_ns == 0 &&
           c->max_sleep_ns == 0;
}

/* NULL: they are possible. Else which member is not, and *value is what it
 * has. */
static const char *blame_waiting(const IpcChannelConfiguration *c,
                                 int64_t *value)
{
    if (says_nothing_of_waiting(c))
        return NULL;
    *value = 0;
    if (c->max_round_trips == 0)
        return INCOMPLETE("max_round_trips");
    if (c->start_sleep_ns == 0)
        return INCOMPLETE("start_sleep_ns");
    if (c->max_sleep_ns == 0)
        return INCOMPLETE("max_sleep_ns");
    *value = c->start_sleep_ns;
    if (c->start_sleep_ns < 0)
        return "start_sleep_ns is negative (error.body.value): it is the "
               "length of the first round, at least 1";
    *value = c->max_sleep_ns;
    if (c->max_sleep_ns < c->start_sleep_ns)
        return "max_sleep_ns (error.body.value) is below start_sleep_ns: the "
               "longest round is at least as long as the first";
    return NULL;
}

static const char *blame_rest(const IpcChannelConfiguration *c, int64_t *value)
{
    const uint32_t known =
        IPC_CHANNEL_REPORT_DEAD_PRODUCERS | IPC_CHANNEL_HAS_MEMORY_FD |
        IPC_CHANNEL_SIGNALS_INTERRUPT | IPC_CHANNEL_CANCELLATION_POINTS |
        IPC_CHANNEL_REPORT_DEAD_CONSUMERS;
    const uint32_t unknown = c->options & ~known;

    *value = unknown;
    if (unknown)
        return "options has bits (error.body.value) that this library does not "
               "know: use IPC_CHANNEL_*, or a newer library";
    *value = c->memory_fd;
    if (c->memory_fd && !(c->options & IPC_CHANNEL_HAS_MEMORY_FD))
        return "memory_fd is set (error.body.value), but not "
               "IPC_CHANNEL_HAS_MEMORY_FD in options: set both, or none";
    for (size_t i = 0; i < sizeof c->reserved / sizeof c->reserved[0]; i++) {
        *value = (int64_t)(c->reserved[i] | c->reserved32);
        if (*value)
            return "a reserved member is not 0 (error.body.value): initialise "
                   "the whole configuration";
    }
    return NULL;
}

/* As channel_configure() does; IPC_OK: it is possible. */
static IpcStatus check(const IpcChannelConfiguration *c, const char **detail,
                       int64_t *value)
{
    const char *why = blame_waiting(c, value);

    if (!why)
        why = blame_rest(c, value);
    *detail = why;
    return why ? IPC_ERR_INVALID_ARGUMENT : IPC_OK;
}

/* Nanoseconds to spin at most. On a machine with one CPU nobody that we wait
 * for can run meanwhile. The peer of a process that is bound to one CPU may run
 * on another, but then the configuration should say how long to spin. */
static uint32_t spin_time(uint32_t configured)
{
    cpu_set_t usable;

    if (configured == IPC_CHANNEL_NO_SPIN || sysconf(_SC_NPROCESSORS_ONLN) == 1)
        return 0;
    if (configured)
        return configured;
    CPU_ZERO(&usable);
    if (sched_getaffinity(0, sizeof usable, &usable) == 0 &&
        CPU_COUNT(&usable) == 1)
        return 0;
    return DEFAULT_SPIN_NS;
}

static void take_rounds(struct IpcChannel *ch, const IpcChannelConfiguration *c)
{
    const bool by_default = says_nothing_of_waiting(c);

    ch->max_round_trips =
        by_default ? IPC_CHANNEL_UNLIMITED_ROUND_TRIPS : c->max_round_trips;
    ch->start_sleep = by_default ? DEFAULT_START_NS : c->start_sleep_ns;
    ch->max_sleep = by_default ? DEFAULT_MAX_NS : c->max_sleep_ns;
}

IpcStatus channel_configure(struct IpcChannel *ch,
                            const IpcChannelConfiguration *c,
                            const char **detail, int64_t *value)
{
    IpcStatus status = check(c, detail, value);

    if (status != IPC_OK)
        return status;
    memset(ch, 0, sizeof *ch);
    take_rounds(ch, c);
    spin_set_limit(&ch->spin[WAIT_READERS], spin_time(c->spin_ns));
    ch->spin[WAIT_WRITERS] = ch->spin[WAIT_READERS];
    ch->report_producers = c->options & IPC_CHANNEL_REPORT_DEAD_PRODUCERS;
    ch->report_consumers = c->options & IPC_CHANNEL_REPORT_DEAD_CONSUMERS;
    status = wait_open(&ch->waiter, c->wait);
    ch->waiter.heeds_signals = c->options & IPC_CHANNEL_SIGNALS_INTERRUPT;
    ch->waiter.is_cancellable = c->options & IPC_CHANNEL_CANCELLATION_POINTS;
    *value = status == IPC_OK ? 0 : c->wait;
    if (status == IPC_ERR_INVALID_ARGUMENT)
        *detail = "wait (error.body.value) is no IpcWait: use IPC_WAIT_DEFAULT";
    if (status == IPC_ERR_UNSUPPORTED)
        *detail =
            "wait (error.body.value) is a way of waiting that was not built, "
            "or that the running kernel lacks: use IPC_WAIT_DEFAULT";
    if (status == IPC_ERR_ALLOCATION)
        *detail = "no memory or no descriptor for this way of waiting: raise "
                  "RLIMIT_MEMLOCK or RLIMIT_NOFILE, or use IPC_WAIT_DEFAULT";
    return status;
}

/* The other flags are the creator's business. */
static const char *blame_joiner(const IpcChannelConfiguration *c,
                                int64_t *value)
{
    *value = c->flags;
    if (c->flags & IPC_BUFFER_RECREATE)
        return "flags (error.body.value) has IPC_BUFFER_RECREATE: who joins "
               "formats nothing, so leave it out, or create";
    if (c->flags & IPC_BUFFER_HAS_MEMORY_FD)
        return channel_flag_of_buffer;
    return NULL;
}

IpcStatus channel_configure_join(struct IpcChannel *ch,
                                 const IpcChannelConfiguration *c,
                                 const char **detail, int64_t *value)
{
    *detail = blame_joiner(c, value);
    return *detail ? IPC_ERR_INVALID_ARGUMENT
                   : channel_configure(ch, c, detail, value);
}

/* After an attempt to make or join the buffer. */
static IpcStatus enter(struct IpcChannel *ch, IpcStatus status)
{
    if (status == IPC_OK)
        wait_join(&ch->waiter, ch->buffer.region, ch->buffer.ring.one_producer,
                  ch->buffer.ring.one_consumer);
    else
        wait_close(&ch->waiter);
    return status;
}

IpcStatus channel_create(struct IpcChannel *ch, void *mem, size_t size,
                         bool is_zero, const IpcBufferOptions *options,
                         IpcBufferCreateError *body, const char **detail)
{
    const struct wait_backend *backend = ch->waiter.backend;
    IpcStatus status = backend->create ? backend->create(&ch->waiter) : IPC_OK;
    IpcBufferOptions own = *options;

    if (ch->report_consumers)
        own.flags |= IPC_BUFFER_KNOWS_CONSUMERS;
    if (status == IPC_OK)
        status =
            handle_create(&ch->buffer, mem, size, is_zero, &own, body, detail);
    else
        *detail = "the channel's eventfd could not be made: see errno";
    return enter(ch, status);
}

IpcStatus channel_join(struct IpcChannel *ch, void *mem, size_t size,
                       const int *memory_fd, uint64_t *needed,
                       const char **detail)
{
    IpcStatus status =
        handle_attach(&ch->buffer, mem, size, false, needed, detail);

    /* Whoever waits announces that in the region. */
    if (status == IPC_OK && ch->buffer.observes) {
        *detail = handle_read_only;
        status = IPC_ERR_READ_ONLY;
    }
    if (status == IPC_OK && ch->report_consumers &&
        !ch->buffer.ring.readers_enter) {
        *detail = "IPC_CHANNEL_REPORT_DEAD_CONSUMERS: nobody knows who reads "
                  "from this channel; create it with that option too, or with "
                  "IPC_BUFFER_ONE_CONSUMER";
        status = IPC_ERR_INVALID_ARGUMENT;
    }
    if (status == IPC_OK && memory_fd)
        status = handle_check_backing(&ch->buffer, mem, *memory_fd, detail);
    return enter(ch, status);
}

void channel_leave(struct IpcChannel *ch)
{
    if (ch->watch)
        ch->watch->gone(ch->watch);
    patrol_leave(ch);
    if (handle_close(&ch->buffer))
        channel_tell_all(ch);
    wait_close(&ch->waiter);
}

void channel_tell_all(const struct IpcChannel *ch)
{
    wait_notify_rarely(&ch->waiter, WAIT_READERS);
    wait_notify_rarely(&ch->waiter, WAIT_WRITERS);
}

IpcStatus channel_close(struct IpcChannel *ch)
{
    if (creation_is_over(&ch->buffer.ring))
        return IPC_ERR_FORMATTED_ANEW;
    close_ring(&ch->buffer.ring);
    channel_tell_all(ch);
    return IPC_OK;
}

bool channel_finish_closing(struct IpcChannel *ch)
{
    if (!close_finish(&ch->buffer.ring))
        return false;
    channel_tell_all(ch);
    return true;
}

/* ---------------------------------------------------------------- repair */

IpcStatus channel_recover(struct IpcChannel *ch, enum recover_extent extent,
                          bool force, uint64_t *removed, uint64_t *offset)
{
    bool finished =
        !creation_is_over(&ch->buffer.ring) && close_finish(&ch->buffer.ring);
    IpcStatus status =
        recover_dead(&ch->buffer, extent, force, removed, offset);

    if (*removed || finished)
        channel_tell_all(ch);
    return status;
}

bool channel_repair(struct IpcChannel *ch)
{
    uint64_t removed;
    uint64_t offset;

    channel_recover(ch, RECOVER_SOME, false, &removed, &offset);
    return removed > 0;
}

bool channel_repair_held(struct IpcChannel *ch, bool has_slept)
{
    uint32_t looks;

    if (!read_is_held(&ch->buffer))
        return false;
    looks = atomic_hint(&ch->held_looks) + 1;
    atomic_set_hint(&ch->held_looks, looks);
    return (has_slept || looks % HELD_LOOKS_PER_RECOVERY == 0) &&
           channel_repair(ch);
}

bool channel_repair_sometimes(struct IpcChannel *ch)
{
    /* Relaxed: where head was at some moment. */
    uint64_t head = atomic_get_relaxed(&ch->buffer.ring.head->position);
    uint32_t answers = atomic_hint(&ch->stuck_answers) + 1;

    if (atomic_hint(&ch->stuck_at) != head) {
        atomic_set_hint(&ch->stuck_at, head);
        answers = 0;
    }
    atomic_set_hint(&ch->stuck_answers, answers);
    return answers != 0 && answers % STUCK_ANSWERS_PER_RECOVERY == 0 &&
           channel_repair(ch);
}

bool channel_lost_producers(const struct IpcChannel *ch)
{
    return ch->report_producers &&
           owner_all_are_dead(&ch->buffer.ring.owners, OWNER_PRODUCES);
}

bool channel_lost_consumers(const struct IpcChannel *ch)
{
    return ch->report_consumers &&
           owner_all_are_dead(&ch->buffer.ring.owners, OWNER_CONSUMES);
}
