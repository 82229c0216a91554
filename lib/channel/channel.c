/* SPDX-License-Identifier: MIT */
#include "channel/channel.h"
#include <sched.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Calls that do not wait look for dead producers once in so many answers
     * in a row that could be their doing. A poller can get that many while a
     * living one is writing a large entry. */
    STUCK_ANSWERS_PER_RECOVERY = 256,
    /* What a sleep and a wake-up cost: so spinning for nothing at most doubles
     * the cost. docs/design.md has the figures. */
    DEFAULT_SPIN_NS = 20000,
};

const char channel_null_handle[] =
    "the handle is NULL: create or connect a channel first";

static bool configuration_is_possible(const IpcChannelConfiguration *c)
{
    const uint32_t known =
        IPC_CHANNEL_REPORT_DEAD_PRODUCERS | IPC_CHANNEL_HAS_MEMORY_FD |
        IPC_CHANNEL_SIGNALS_INTERRUPT | IPC_CHANNEL_CANCELLATION_POINTS |
        IPC_CHANNEL_REPORT_DEAD_CONSUMERS;

    if (c->max_round_trips == 0 || c->start_sleep_ns <= 0 ||
        c->max_sleep_ns < c->start_sleep_ns || (c->options & ~known) ||
        (c->memory_fd && !(c->options & IPC_CHANNEL_HAS_MEMORY_FD)))
        return false;
    for (size_t i = 0; i < sizeof c->reserved / sizeof c->reserved[0]; i++)
        if (c->reserved[i])
            return false;
    return true;
}

/* Nanoseconds to spin. On a machine with one CPU nobody that we wait for can
 * run meanwhile. The peer of a process that is bound to one CPU may run on
 * another, but then the configuration should say how long to spin. */
static int64_t spin_time(uint32_t configured)
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

IpcStatus channel_configure(struct IpcChannel *ch,
                            const IpcChannelConfiguration *c,
                            const char **detail)
{
    IpcStatus status;

    *detail = "the configuration is impossible: max_round_trips and "
              "start_sleep_ns are at least 1, max_sleep_ns at least "
              "start_sleep_ns, wait is an IpcWait, memory_fd comes with its "
              "option, and unknown options and the reserved members are 0";
    if (!configuration_is_possible(c))
        return IPC_ERR_INVALID_ARGUMENT;
    memset(ch, 0, sizeof *ch);
    ch->max_round_trips = c->max_round_trips;
    ch->start_sleep = c->start_sleep_ns;
    ch->max_sleep = c->max_sleep_ns;
    ch->spin = spin_time(c->spin_ns);
    ch->report_producers = c->options & IPC_CHANNEL_REPORT_DEAD_PRODUCERS;
    ch->report_consumers = c->options & IPC_CHANNEL_REPORT_DEAD_CONSUMERS;
    status = wait_open(&ch->waiter, c->wait);
    ch->waiter.heeds_signals = c->options & IPC_CHANNEL_SIGNALS_INTERRUPT;
    ch->waiter.is_cancellable = c->options & IPC_CHANNEL_CANCELLATION_POINTS;
    if (status == IPC_ERR_UNSUPPORTED)
        *detail = "this way of waiting was not built, or the running kernel "
                  "lacks it: use IPC_WAIT_DEFAULT";
    if (status == IPC_ERR_ALLOCATION)
        *detail = "no memory or no descriptor for this way of waiting: raise "
                  "RLIMIT_MEMLOCK or RLIMIT_NOFILE, or use IPC_WAIT_DEFAULT";
    return status;
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
                         const IpcBufferOptions *options,
                         IpcBufferCreateError *body, const char **detail)
{
    const struct wait_backend *backend = ch->waiter.backend;
    IpcStatus status = backend->create ? backend->create(&ch->waiter) : IPC_OK;
    IpcBufferOptions own = *options;

    if (ch->report_consumers)
        own.flags |= IPC_BUFFER_KNOWS_CONSUMERS;
    if (status == IPC_OK)
        status = handle_create(&ch->buffer, mem, size, &own, body, detail);
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
