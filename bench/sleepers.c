/* SPDX-License-Identifier: MIT */
#include "sleepers.h"
#include "loops.h"
#include <linux/futex.h>
#include <shmipc/shmipc.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

uint32_t sleepers_spin_ns = IPC_CHANNEL_NO_SPIN;

static int join_nothing(struct link *link, enum side side, unsigned index)
{
    (void)link;
    (void)side;
    (void)index;
    return 0;
}

/* A message that is no more than its first word. */
static long give_word(void *to, size_t room, uint64_t word)
{
    loop_mark(to, room, word);
    return (long)room;
}

/* ------------------------------------------------------------ bare futex */

/* As little as it takes, and a flag that spares a wake that nobody needs: on
 * one CPU the other party often runs before this one has begun to wait. */
struct futex_line {
    uint32_t sent; /* counts messages; what receivers sleep on */
    uint32_t asleep;
    uint64_t word;
    uint32_t received; /* receivers only */
};

static int futex_open(struct link *link)
{
    link->state = link->memory;
    return 0;
}

static int futex_send(struct link *to, const void *data, size_t size)
{
    struct futex_line *line = to->state;

    (void)size;
    line->word = loop_word(data);
    __atomic_add_fetch(&line->sent, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&line->asleep, __ATOMIC_SEQ_CST))
        syscall(SYS_futex, &line->sent, FUTEX_WAKE, 1, NULL, NULL, 0);
    return 1;
}

static long futex_receive(struct link *from, void *to, size_t room)
{
    struct futex_line *line = from->state;

    while (__atomic_load_n(&line->sent, __ATOMIC_ACQUIRE) == line->received) {
        __atomic_store_n(&line->asleep, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, &line->sent, FUTEX_WAIT, line->received, NULL, NULL,
                0);
        __atomic_store_n(&line->asleep, 0, __ATOMIC_RELAXED);
    }
    line->received++;
    return give_word(to, room, line->word);
}

LOOPS(futex, futex_send, futex_receive)
static const struct loops futex_loops = {LOOPS_BASE(futex), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

static const struct transport bare_futex = {
    .name = "limit: bare futex",
    .note = "carries one word",
    .traits = TRAIT_LIMIT,
    .open = futex_open,
    .join = join_nothing,
    .loops = &futex_loops,
};

/* ---------------------------------------------------------- bare eventfd */

/* [0] is read from, [1] is written to. */
static int keep_descriptors(struct link *link, const int fds[2])
{
    int *state = calloc(2, sizeof *state);

    if (!state)
        return -1;
    memcpy(state, fds, 2 * sizeof *state);
    link->state = state;
    return 0;
}

static int event_open(struct link *link)
{
    int fd = eventfd(0, EFD_CLOEXEC);

    return fd < 0 ? -1 : keep_descriptors(link, (int[2]){fd, fd});
}

static int event_send(struct link *to, const void *data, size_t size)
{
    const int *fds = to->state;
    uint64_t count = loop_word(data) + 1;

    (void)size;
    return write(fds[1], &count, sizeof count) == sizeof count ? 1 : -1;
}

static long event_receive(struct link *from, void *to, size_t room)
{
    const int *fds = from->state;
    uint64_t count;

    if (read(fds[0], &count, sizeof count) != sizeof count)
        return -1;
    return give_word(to, room, count - 1);
}

LOOPS(event, event_send, event_receive)
static const struct loops event_loops = {LOOPS_BASE(event), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

static const struct transport bare_eventfd = {
    .name = "bare eventfd",
    .note = "carries one word",
    .traits = TRAIT_KERNEL,
    .open = event_open,
    .join = join_nothing,
    .loops = &event_loops,
};

/* ------------------------------------------------------ pipe and socket */

static int pipe_open(struct link *link)
{
    int fds[2];

    return pipe(fds) != 0 ? -1 : keep_descriptors(link, fds);
}

static int socket_open(struct link *link)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        return -1;
    return keep_descriptors(link, fds);
}

static int file_send(struct link *to, const void *data, size_t size)
{
    const int *fds = to->state;

    return write(fds[1], data, size) == (ssize_t)size ? 1 : -1;
}

static long file_receive(struct link *from, void *to, size_t room)
{
    const int *fds = from->state;

    return read(fds[0], to, room);
}

LOOPS(file, file_send, file_receive)
static const struct loops file_loops = {LOOPS_BASE(file), LOOPS_NO_CALLS,
                                        LOOPS_NO_CALLS};

static const struct transport blocking_pipe = {
    .name = "pipe, blocking",
    .traits = TRAIT_KERNEL,
    .open = pipe_open,
    .join = join_nothing,
    .loops = &file_loops,
};

static const struct transport blocking_socket = {
    .name = "unix stream, blocking",
    .traits = TRAIT_KERNEL,
    .open = socket_open,
    .join = join_nothing,
    .loops = &file_loops,
};

/* -------------------------------------------------------------- channels */

static IpcChannelConfiguration configure(uint32_t wait, uint32_t flags)
{
    return (IpcChannelConfiguration){
        .max_round_trips = 1,
        .start_sleep_ns = 1000000,
        .max_sleep_ns = 1000000,
        .flags = flags,
        .wait = wait,
        .spin_ns = sleepers_spin_ns,
    };
}

static int create_channel(struct link *link, uint32_t wait, uint32_t flags)
{
    IpcChannelResult r = ipc_channel_create(link->memory, link->load->memory,
                                            configure(wait, flags));

    if (IpcChannelResult_is_error(r))
        return -1;
    link->state = r.result;
    return 0;
}

static int connect_channel(struct link *link, uint32_t wait)
{
    IpcChannelConnectResult r = ipc_channel_connect_sized(
        link->memory, link->load->memory, configure(wait, 0));

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
    return connect_channel(link, IPC_WAIT_FUTEX);
}

static int join_io_uring(struct link *link, enum side side, unsigned index)
{
    (void)side;
    (void)index;
    return connect_channel(link, IPC_WAIT_IO_URING);
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
CHANNEL(one_futex, "shmipc channel 1/1, futex", IPC_WAIT_FUTEX, ONE_ONE,
        join_futex)
CHANNEL(one_event, "shmipc channel 1/1, eventfd", IPC_WAIT_EVENTFD, ONE_ONE,
        join_nothing)
CHANNEL(one_uring, "shmipc channel 1/1, io_uring", IPC_WAIT_IO_URING, ONE_ONE,
        join_io_uring)

const struct transport *const sleepers[] = {
    &bare_futex, &bare_eventfd, &blocking_pipe, &blocking_socket,
    &many_futex, &many_event,   &many_uring,    &one_futex,
    &one_event,  &one_uring,    NULL,
};
