/* SPDX-License-Identifier: MIT */
/*
 * Each wrong argument, and each wrong member of a configuration or of options,
 * has a text of its own that begins with its name; and its value is told where
 * the text cannot have it.
 */
#include "channels.h"
#include <sys/socket.h>

static const struct timespec none = {0, 0};
static const struct timespec before = {-1, 0};
static const struct timespec negative = {0, -1};
static const struct timespec beyond = {0, 1000000000};
static char data[64];
static struct iovec piece = {data, sizeof data};
static IpcBuffer *b;
static IpcChannel *ch;
static IpcEntry to = {0, data, sizeof data};
static IpcReservation reservation;

static void make_handles(void)
{
    b = new_ring(8, 0, NULL);
    ch = new_channel(8, 0, NULL);
}

/* The text begins so. */
#define blames(call, words)                                                    \
    do {                                                                       \
        __extension__ __auto_type r_ = (call);                                 \
                                                                               \
        must_be(r_.ipc_status, IPC_ERR_INVALID_ARGUMENT);                      \
        must_say(!strncmp(r_.error.detail, words, strlen(words)), "%s: %s",    \
                 #call, r_.error.detail);                                      \
    } while (0)

#define blames_both(name, arguments_of_buffer, arguments_of_channel, words)    \
    do {                                                                       \
        blames(ipc_buffer_##name arguments_of_buffer, words);                  \
        blames(ipc_channel_##name arguments_of_channel, words);                \
    } while (0)

Test(unit, each_wrong_argument_of_a_write_is_named)
{
    struct iovec nowhere = {NULL, 1}, empty = {data, 0};

    make_handles();
    blames_both(write, (NULL, data, 1), (NULL, data, 1), "the handle is NULL");
    blames_both(write, (b, NULL, 1), (ch, NULL, 1), "data is NULL");
    blames_both(write, (b, data, 0), (ch, data, 0), "size is 0");
    blames(ipc_channel_write_blocking(ch, NULL, 1), "data is NULL");
    blames_both(writev, (NULL, &piece, 1), (NULL, &piece, 1),
                "the handle is NULL");
    blames_both(writev, (b, NULL, 1), (ch, NULL, 1), "pieces is NULL");
    blames_both(writev, (b, &piece, 0), (ch, &piece, 0), "count is not");
    blames_both(writev, (b, &nowhere, 1), (ch, &nowhere, 1), "a piece has");
    blames_both(writev, (b, &empty, 1), (ch, &empty, 1), "all pieces are");
    blames_both(write_batch, (NULL, &piece, 1), (NULL, &piece, 1),
                "the handle is NULL");
    blames_both(write_batch, (b, NULL, 1), (ch, NULL, 1), "entries is NULL");
    blames_both(write_batch, (b, &piece, -1), (ch, &piece, -1), "count is not");
    blames_both(write_batch, (b, &empty, 1), (ch, &empty, 1),
                "an entry is empty");
    blames_both(write_batch, (b, &nowhere, 1), (ch, &nowhere, 1),
                "the iov_base of an entry");
    blames_both(write_array, (NULL, data, 8, 1), (NULL, data, 8, 1),
                "the handle is NULL");
    blames_both(write_array, (b, NULL, 8, 1), (ch, NULL, 8, 1), "data is NULL");
    blames_both(write_array, (b, data, 0, 1), (ch, data, 0, 1), "size is 0");
    blames_both(write_array, (b, data, 8, 0), (ch, data, 8, 0), "count is not");
}

Test(unit, each_wrong_argument_of_writing_in_place_is_named)
{
    IpcReservation other;

    make_handles();
    blames_both(reserve, (NULL, 1, &other), (NULL, 1, &other),
                "the handle is NULL");
    blames_both(reserve, (b, 1, NULL), (ch, 1, NULL), "dest is NULL");
    blames_both(reserve, (b, 0, &other), (ch, 0, &other), "size is 0");
    must_work(ipc_channel_reserve(ch, 10, &reservation));
    blames_both(commit, (NULL, &reservation, 1), (NULL, &reservation, 1),
                "the handle is NULL");
    blames_both(commit, (b, NULL, 1), (ch, NULL, 1), "reservation is NULL");
    blames(ipc_channel_commit(ch, &reservation, 0), "size is 0");
    blames(ipc_channel_commit(ch, &reservation, 11), "size is above");
    other = reservation;
    other.payload = data;
    blames(ipc_channel_commit(ch, &other, 1), "the reservation is not");
    blames(ipc_channel_abort(ch, &other), "the reservation is not");
    blames_both(abort, (NULL, &reservation), (NULL, &reservation),
                "the handle is NULL");
    blames_both(abort, (b, NULL), (ch, NULL), "reservation is NULL");
    must_work(ipc_channel_commit(ch, &reservation, 10));
}

Test(unit, each_wrong_argument_of_a_read_is_named)
{
    IpcEntry nowhere = {0, NULL, 1};

    make_handles();
    blames_both(peek, (NULL, &to), (NULL, &to), "the handle is NULL");
    blames_both(peek, (b, NULL), (ch, NULL), "dest is NULL");
    blames(ipc_channel_read(NULL, &to), "the handle is NULL");
    blames(ipc_channel_read(ch, NULL), "dest is NULL");
    blames(ipc_channel_try_read(NULL, &to), "the handle is NULL");
    blames(ipc_channel_try_read(ch, NULL), "dest is NULL");
    blames(ipc_buffer_read(NULL, &to), "the handle is NULL");
    blames(ipc_buffer_read(b, NULL), "dest is NULL");
    blames(ipc_buffer_read(b, &nowhere), "dest->payload is NULL");
    blames(ipc_channel_read_into(NULL, &to), "the handle is NULL");
    blames(ipc_channel_read_into(ch, NULL), "dest is NULL");
    blames(ipc_channel_read_into(ch, &nowhere), "dest->payload is NULL");
    blames(ipc_channel_try_read_into(NULL, &to), "the handle is NULL");
    blames(ipc_channel_try_read_into(ch, NULL), "dest is NULL");
    blames(ipc_channel_try_read_into(ch, &nowhere), "dest->payload is NULL");
    blames_both(skip, (NULL, 0), (NULL, 0), "the handle is NULL");
    blames_both(skip, (b, 1), (ch, 1), "offset is not a multiple");
    blames_both(skip_force, (NULL), (NULL), "the handle is NULL");
    blames_both(recover, (NULL), (NULL, false), "the handle is NULL");
}

Test(unit, each_wrong_argument_of_a_batch_that_is_read_is_named)
{
    make_handles();
    blames(ipc_buffer_read_batch(NULL, &to, 1, data, 64), "the handle is NULL");
    blames(ipc_buffer_read_batch(b, NULL, 1, data, 64), "entries is NULL");
    blames(ipc_buffer_read_batch(b, &to, 0, data, 64), "count is not");
    blames(ipc_buffer_read_batch(b, &to, 1, NULL, 64), "memory is NULL");
    blames(ipc_channel_try_read_batch(NULL, &to, 1, data, 64), "the handle");
    blames(ipc_channel_try_read_batch(ch, NULL, 1, data, 64), "entries is");
    blames(ipc_channel_try_read_batch(ch, &to, 0, data, 64), "count is not");
    blames(ipc_channel_try_read_batch(ch, &to, 1, NULL, 64), "memory is NULL");
    blames(ipc_buffer_read_array(NULL, data, 8, 1), "the handle is NULL");
    blames(ipc_buffer_read_array(b, NULL, 8, 1), "data is NULL");
    blames(ipc_buffer_read_array(b, data, 0, 1), "size is 0");
    blames(ipc_buffer_read_array(b, data, 8, 0), "count is not");
    blames(ipc_channel_try_read_array(NULL, data, 8, 1), "the handle is NULL");
    blames(ipc_channel_try_read_array(ch, NULL, 8, 1), "data is NULL");
    blames(ipc_channel_try_read_array(ch, data, 0, 1), "size is 0");
    blames(ipc_channel_try_read_array(ch, data, 8, 0), "count is not");
}

static const struct {
    const struct timespec *timeout;
    const char *words;
} wrong[] = {
    {&before, "the timeout's tv_sec is negative"},
    {&negative, "the timeout's tv_nsec is negative"},
    {&beyond, "the timeout's tv_nsec is above"},
};

Test(unit, each_wrong_timeout_is_told_from_other_mistakes)
{
    make_handles();
    for (int i = 0; i < 3; i++) {
        const struct timespec *t = wrong[i].timeout;
        const char *words = wrong[i].words;

        blames(ipc_channel_write_with_timeout(ch, data, 1, t), words);
        blames(ipc_channel_writev_with_timeout(ch, &piece, 1, t), words);
        blames(ipc_channel_reserve_with_timeout(ch, 1, &reservation, t), words);
        blames(ipc_channel_read_with_timeout(ch, &to, t), words);
        blames(ipc_channel_read_into_with_timeout(ch, &to, t), words);
        blames(ipc_channel_peek_with_timeout(ch, &to, t), words);
        blames(ipc_channel_read_batch_with_timeout(ch, &to, 1, data, 64, t),
               words);
        blames(ipc_channel_read_array_with_timeout(ch, data, 8, 1, t), words);
    }
    blames(ipc_channel_read_with_timeout(NULL, &to, &before), "the handle");
    blames(ipc_channel_read_with_timeout(ch, NULL, &none), "dest is NULL");
    blames(ipc_channel_write_with_timeout(ch, data, 0, NULL), "size is 0");
}

Test(unit, each_wrong_argument_of_looking_on_is_named)
{
    IpcBufferStats stats = {.struct_size = sizeof stats};
    IpcOwner owner = {.struct_size = sizeof owner};

    make_handles();
    blames_both(stats, (NULL, &stats), (NULL, &stats), "the handle is NULL");
    blames_both(stats, (b, NULL), (ch, NULL), "dest is NULL");
    blames_both(owners, (NULL, &owner, 1), (NULL, &owner, 1),
                "the handle is NULL");
    blames_both(owners, (b, NULL, 1), (ch, NULL, 1), "owners is NULL");
}

/* ---------------------------------------------------------- configurations */

static void must_name(IpcChannelConfiguration c, const char *words,
                      int64_t value)
{
    static _Alignas(64) unsigned char mem[4096];
    IpcChannelResult made = ipc_channel_create(mem, sizeof mem, c);
    IpcChannelConnectResult joined;

    blames(made, words);
    must(made.error.has_body && made.error.body.value == value);
    if (!strncmp(words, "flags", 5) || !strncmp(words, "max_owners", 10))
        return; /* which are the creator's */
    must_work(ipc_channel_create(mem, sizeof mem, quick));
    joined = ipc_channel_connect(mem, c);
    blames(joined, words);
    must(joined.error.has_body && joined.error.body.value == value);
}

Test(unit, each_wrong_member_of_a_configuration_is_named_with_its_value)
{
    IpcChannelConfiguration c;

    c = quick, c.max_round_trips = 0, must_name(c, "max_round_trips is 0", 0);
    c = quick, c.start_sleep_ns = 0, must_name(c, "start_sleep_ns is 0", 0);
    c = quick, c.max_sleep_ns = 0, must_name(c, "max_sleep_ns is 0", 0);
    c = quick, c.start_sleep_ns = c.max_sleep_ns = 0;
    must_name(c, "start_sleep_ns is 0", 0);
    c = quick, c.start_sleep_ns = -7;
    must_name(c, "start_sleep_ns is negative", -7);
    c = quick, c.max_sleep_ns = 999;
    must_name(c, "max_sleep_ns (error.body.value) is below", 999);
    c = quick, c.max_sleep_ns = -1, must_name(c, "max_sleep_ns", -1);
    c = quick, c.wait = 17, must_name(c, "wait", 17);
    c = quick, c.options = 0x80000001, must_name(c, "options", 0x80000000);
    c = quick, c.memory_fd = 5, must_name(c, "memory_fd", 5);
    c = quick, c.reserved[3] = 9, must_name(c, "a reserved member", 9);
    c = quick, c.flags = 0x8001, must_name(c, "flags", 0x8000);
    c = quick, c.flags = IPC_BUFFER_HAS_MEMORY_FD, must_name(c, "flags", 4);
    c = quick, c.max_owners = 4097, must_name(c, "max_owners", 4097);
}

Test(unit, what_is_accepted_has_the_same_texts)
{
    IpcChannelConfiguration c = quick;
    int sockets[2], fd = memfd_create("memory", MFD_CLOEXEC);
    void *memory;
    IpcChannelAcceptResult r;

    must(fd >= 0 && ftruncate(fd, 4096) == 0);
    memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(memory != MAP_FAILED);
    ch = result_of(ipc_channel_create(memory, 4096, quick));
    must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
    must_work(ipc_channel_share(ch, sockets[0], fd, 4096));
    c.start_sleep_ns = -3;
    r = ipc_channel_accept(sockets[1], c);
    blames(r, "start_sleep_ns is negative");
    must(r.error.body.value == -3 && r.error.body.sys_errno == 0);
}

static void must_name_option(IpcBufferOptions options, const char *words,
                             int64_t value)
{
    static _Alignas(64) unsigned char mem[4096];
    IpcBufferCreateResult made =
        ipc_buffer_create_with_options(mem, sizeof mem, &options);
    IpcBufferAttachResult joined;

    blames(made, words);
    must(made.error.has_body && made.error.body.value == value);
    must_work(ipc_buffer_create(mem, sizeof mem));
    joined = ipc_buffer_attach_with_options(mem, sizeof mem, &options);
    blames(joined, words);
    must(joined.error.has_body && joined.error.body.value == value);
}

Test(unit, each_wrong_member_of_options_is_named_with_its_value)
{
    const IpcBufferOptions good = {.struct_size = sizeof good};
    IpcBufferOptions o;

    o = good, o.struct_size = 3, must_name_option(o, "struct_size", 3);
    o = good, o.flags = 0x81, must_name_option(o, "flags", 0x80);
    o = good, o.max_owners = 5000, must_name_option(o, "max_owners", 5000);
    o = good, o.memory_fd = 7, must_name_option(o, "memory_fd", 7);
    o = good, o.max_subscribers = 6, must_name_option(o, "max_subscribers", 6);
    o = good, o.reserved[2] = 8, must_name_option(o, "a reserved member", 8);
}

/* -------------------------------------------------------------- the default */

/* A read in another process that has no end of its own. */
static void must_wait_for_ever(void *memory, IpcChannelConfiguration c)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        IpcEntry entry;

        ch = result_of(ipc_channel_connect(memory, c));
        must_work(ipc_channel_read(ch, &entry));
        must_be_entry(&entry, 10, 1);
        _exit(0);
    }
    pause_ns(50 * MILLISECOND);
    must(waitpid(pid, NULL, WNOHANG) == 0);
    ch = result_of(ipc_channel_connect(memory, quick));
    must_send(ch, 10, 1);
    must_succeed(pid);
}

Test(unit, a_configuration_of_zeros_means_the_defaults)
{
    void *memory = shared_memory(8192);
    IpcChannelConfiguration zeros, defaults = IPC_CHANNEL_DEFAULTS;

    memset(&zeros, 0, sizeof zeros);
    must_work(ipc_channel_create(memory, 8192, zeros));
    must_wait_for_ever(memory, zeros);
    must_wait_for_ever(memory, defaults);
    zeros.wait = IPC_WAIT_SLEEP;
    must_wait_for_ever(memory, zeros);
}
