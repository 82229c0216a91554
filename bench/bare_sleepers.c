/* SPDX-License-Identifier: MIT */
#include "bare_sleepers.h"
#include "bench_config.h"
#include "loops.h"
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef BENCH_HAVE_IO_URING
#include <liburing.h>
#endif

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

typedef void futex_wait(struct futex_line *line);

LOOP long receive_by(struct link *from, void *to, size_t room, futex_wait *wait)
{
    struct futex_line *line = from->state;

    while (__atomic_load_n(&line->sent, __ATOMIC_ACQUIRE) == line->received) {
        __atomic_store_n(&line->asleep, 1, __ATOMIC_SEQ_CST);
        wait(line);
        __atomic_store_n(&line->asleep, 0, __ATOMIC_RELAXED);
    }
    line->received++;
    return give_word(to, room, line->word);
}

LOOP void wait_for_ever(struct futex_line *line)
{
    syscall(SYS_futex, &line->sent, FUTEX_WAIT, line->received, NULL, NULL, 0);
}

static long futex_receive(struct link *from, void *to, size_t room)
{
    return receive_by(from, to, room, wait_for_ever);
}

/* What it costs to be woken at the latest after a while: as long as there is
 * somebody who can die between the message and the wake, nobody can do without
 * that. */
LOOP void wait_a_while(struct futex_line *line)
{
    const struct timespec most = {0, 100000000};

    syscall(SYS_futex, &line->sent, FUTEX_WAIT, line->received, &most, NULL, 0);
}

static long timed_receive(struct link *from, void *to, size_t room)
{
    return receive_by(from, to, room, wait_a_while);
}

LOOPS(futex, futex_send, futex_receive)
static const struct loops futex_loops = {LOOPS_BASE(futex), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

const struct transport bare_futex = {
    .name = "limit: bare futex",
    .note = "carries one word",
    .traits = TRAIT_LIMIT,
    .open = futex_open,
    .join = join_nothing,
    .loops = &futex_loops,
};

LOOPS(timed, futex_send, timed_receive)
static const struct loops timed_loops = {LOOPS_BASE(timed), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

const struct transport bare_timed_futex = {
    .name = "limit: bare futex, 100 ms",
    .note = "carries one word; never sleeps longer than that",
    .traits = TRAIT_LIMIT,
    .open = futex_open,
    .join = join_nothing,
    .loops = &timed_loops,
};

/* --------------------------------------------------------- bare io_uring */

#ifdef BENCH_HAVE_IO_URING
enum { OPCODE_FUTEX_WAIT = 51, FUTEX2_32BIT = 2, RING_ENTRIES = 4 };

static struct io_uring ring;

static int uring_join(struct link *link, enum side side, unsigned index)
{
    struct io_uring_probe *probe;
    bool supported;

    (void)link;
    (void)index;
    if (side == SIDE_SEND)
        return 0;
    if (io_uring_queue_init(RING_ENTRIES, &ring, 0) != 0)
        return -1;
    probe = io_uring_get_probe_ring(&ring);
    supported = probe && io_uring_opcode_supported(probe, OPCODE_FUTEX_WAIT);
    io_uring_free_probe(probe);
    return supported ? 0 : -1;
}

LOOP void wait_in_ring(struct futex_line *line)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    struct io_uring_cqe *cqe;

    if (!sqe)
        return; /* the caller's loop tries again */
    io_uring_prep_rw(OPCODE_FUTEX_WAIT, sqe, FUTEX2_32BIT, &line->sent, 0,
                     line->received);
    sqe->addr3 = 0xffffffff;
    io_uring_submit_and_wait(&ring, 1);
    while (io_uring_wait_cqe(&ring, &cqe) != 0)
        continue;
    io_uring_cqe_seen(&ring, cqe);
}

static long uring_receive(struct link *from, void *to, size_t room)
{
    return receive_by(from, to, room, wait_in_ring);
}
#else
static int uring_join(struct link *link, enum side side, unsigned index)
{
    (void)link;
    (void)side;
    (void)index;
    return -1;
}

static long uring_receive(struct link *from, void *to, size_t room)
{
    (void)from;
    (void)to;
    (void)room;
    return -1;
}
#endif

LOOPS(uring, futex_send, uring_receive)
static const struct loops uring_loops = {LOOPS_BASE(uring), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

const struct transport bare_io_uring = {
    .name = "limit: bare io_uring",
    .note = "carries one word; a futex wait in a ring",
    .traits = TRAIT_LIMIT,
    .open = futex_open,
    .join = uring_join,
    .loops = &uring_loops,
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

const struct transport bare_eventfd = {
    .name = "limit: bare eventfd",
    .note = "carries one word",
    .traits = TRAIT_LIMIT | TRAIT_KERNEL,
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

int bare_file_send(struct link *to, const void *data, size_t size)
{
    const int *fds = to->state;

    return write(fds[1], data, size) == (ssize_t)size ? 1 : -1;
}

long bare_file_receive(struct link *from, void *to, size_t room)
{
    const int *fds = from->state;

    return read(fds[0], to, room);
}

LOOPS(file, bare_file_send, bare_file_receive)
static const struct loops file_loops = {LOOPS_BASE(file), LOOPS_NO_CALLS,
                                        LOOPS_NO_CALLS};

const struct transport blocking_pipe = {
    .name = "pipe, blocking",
    .traits = TRAIT_KERNEL,
    .open = pipe_open,
    .join = join_nothing,
    .loops = &file_loops,
};

const struct transport blocking_socket = {
    .name = "unix stream, blocking",
    .traits = TRAIT_KERNEL,
    .open = socket_open,
    .join = join_nothing,
    .loops = &file_loops,
};
