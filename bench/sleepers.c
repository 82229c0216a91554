/* SPDX-License-Identifier: MIT */
#include "sleepers.h"
#include "bare_sleepers.h"
#include "loops.h"
#include <shmipc/shmipc.h>

uint32_t sleepers_spin_ns = IPC_CHANNEL_NO_SPIN;

static int join_nothing(struct link *link, enum side side, unsigned index)
{
    (void)link;
    (void)side;
    (void)index;
    return 0;
}

/* -------------------------------------------------------------- channels */

static IpcChannelConfiguration configure(uint32_t wait, uint32_t flags,
                                         uint32_t spin_ns)
{
    return (IpcChannelConfiguration){
        .max_round_trips = 1,
        .start_sleep_ns = 1000000,
        .max_sleep_ns = 1000000,
        .flags = flags,
        .wait = wait,
        .spin_ns = spin_ns,
    };
}

static int create_channel(struct link *link, uint32_t wait, uint32_t flags)
{
    IpcChannelResult r =
        ipc_channel_create(link->memory, link->load->memory,
                           configure(wait, flags, sleepers_spin_ns));

    if (IpcChannelResult_is_error(r))
        return -1;
    link->state = r.result;
    return 0;
}

static int connect_channel(struct link *link, uint32_t wait, uint32_t spin_ns)
{
    IpcChannelConnectResult r = ipc_channel_connect_sized(
        link->memory, link->load->memory, configure(wait, 0, spin_ns));

    if (IpcChannelConnectResult_is_error(r))
        return -1;
    link->state = r.result;
    return 0;
}

static void leave_channel(struct link *link, enum side side)
{
    (void)side;
    ipc_channel_destroy(link->state);
}

static int channel_send(struct link *to, const void *data, size_t size)
{
    return ipc_channel_write(to->state, data, size).ipc_status == IPC_OK ? 1
                                                                         : -1;
}

static long channel_receive(struct link *from, void *to, size_t room)
{
    IpcEntry entry = {.payload = to, .size = room};

    if (ipc_channel_read_into_with_timeout(from->state, &entry, NULL)
            .ipc_status != IPC_OK)
        return -1;
    return (long)entry.size;
}

LOOPS(channel, channel_send, channel_receive)
static const struct loops channel_loops = {LOOPS_BASE(channel), LOOPS_NO_CALLS,
                                           LOOPS_NO_CALLS};

static int join_futex(struct link *link, enum side side, unsigned index)
{
    (void)side;
    (void)index;
    return connect_channel(link, IPC_WAIT_FUTEX, sleepers_spin_ns);
}

static int join_io_uring(struct link *link, enum side side, unsigned index)
{
    (void)side;
    (void)index;
    return connect_channel(link, IPC_WAIT_IO_URING, sleepers_spin_ns);
}

static int join_watched(struct link *link, enum side side, unsigned index)
{
    (void)side;
    (void)index;
    return connect_channel(link, IPC_WAIT_WATCHED, sleepers_spin_ns);
}

/* Both parties go on with the creator's handle, which has the eventfd: hence
 * join_nothing for that way of waiting. */
#define CHANNEL(ID, NAME, WAIT, FLAGS, JOIN)                                   \
    static int ID##_open(struct link *link)                                    \
    {                                                                          \
        return create_channel(link, WAIT, FLAGS);                              \
    }                                                                          \
    static const struct transport ID = {                                       \
        .name = NAME,                                                          \
        .traits = TRAIT_OURS,                                                  \
        .open = ID##_open,                                                     \
        .join = JOIN,                                                          \
        .leave = leave_channel,                                                \
        .loops = &channel_loops,                                               \
    };
#define ONE_ONE (IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER)

CHANNEL(many_futex, "shmipc channel m/m, futex", IPC_WAIT_FUTEX, 0, join_futex)
CHANNEL(many_event, "shmipc channel m/m, eventfd", IPC_WAIT_EVENTFD, 0,
        join_nothing)
CHANNEL(many_uring, "shmipc channel m/m, io_uring", IPC_WAIT_IO_URING, 0,
        join_io_uring)
CHANNEL(many_watched, "shmipc channel m/m, watched", IPC_WAIT_WATCHED, 0,
        join_watched)
CHANNEL(one_watched, "shmipc channel 1/1, watched", IPC_WAIT_WATCHED, ONE_ONE,
        join_watched)
CHANNEL(one_futex, "shmipc channel 1/1, futex", IPC_WAIT_FUTEX, ONE_ONE,
        join_futex)
CHANNEL(one_event, "shmipc channel 1/1, eventfd", IPC_WAIT_EVENTFD, ONE_ONE,
        join_nothing)
CHANNEL(one_uring, "shmipc channel 1/1, io_uring", IPC_WAIT_IO_URING, ONE_ONE,
        join_io_uring)

const struct sleeper sleepers[] = {
    {&bare_futex, &bare_futex},
    {&bare_timed_futex, &bare_futex},
    {&bare_eventfd, &bare_eventfd},
    {&bare_io_uring, &bare_io_uring},
    {&blocking_pipe, &bare_futex},
    {&blocking_socket, &bare_futex},
    {&many_futex, &bare_futex},
    {&many_event, &bare_eventfd},
    {&many_uring, &bare_io_uring},
    {&many_watched, &bare_futex},
    {&one_futex, &bare_futex},
    {&one_event, &bare_eventfd},
    {&one_uring, &bare_io_uring},
    {&one_watched, &bare_futex},
    {NULL, NULL},
};

/* ------------------------------------------------ a stream, with and without
 * looking before it sleeps, whatever -w says */

static int stream_send(struct link *to, const void *data, size_t size)
{
    IpcStatus status = ipc_channel_write(to->state, data, size).ipc_status;

    if (status == IPC_ERR_NO_SPACE_CONTIGUOUS)
        return 0;
    return status == IPC_OK ? 1 : -1;
}

static int join_spinning(struct link *link, enum side side, unsigned index)
{
    (void)side;
    (void)index;
    return connect_channel(link, IPC_WAIT_FUTEX, 0);
}

static int join_not_spinning(struct link *link, enum side side, unsigned index)
{
    (void)side;
    (void)index;
    return connect_channel(link, IPC_WAIT_FUTEX, IPC_CHANNEL_NO_SPIN);
}

CHANNEL(spinning, "shmipc channel 1/1, default", IPC_WAIT_FUTEX, ONE_ONE,
        join_spinning)
CHANNEL(not_spinning, "shmipc channel 1/1, never spins", IPC_WAIT_FUTEX,
        ONE_ONE, join_not_spinning)

const struct sleeper_stream sleepers_streams[] = {
    {&blocking_pipe, bare_file_send, bare_file_receive},
    {&blocking_socket, bare_file_send, bare_file_receive},
    {&spinning, stream_send, channel_receive},
    {&not_spinning, stream_send, channel_receive},
    {NULL, NULL, NULL},
};
