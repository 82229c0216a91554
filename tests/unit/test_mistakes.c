/* SPDX-License-Identifier: MIT */
/*
 * The mistakes that users make, and what they read then. Each text says what
 * was wrong and what to do, where there is a number also which, and no two
 * mistakes share one. To read all as one who sees nothing else:
 *
 *     TEXTS=1 build/tests/unit/test_mistakes
 */
#include "mistakes_by_name.h"
#include <sys/socket.h>

/* ----------------------------------------------------------------- memory */

static void memory_to_create_in(void)
{
    const IpcStatus wrong = IPC_ERR_INVALID_ARGUMENT;
    void *memory = shared_memory(8192);
    pid_t pid;
    struct gate *gate = make_gate();
    IpcChannelResult small;

    must_tell("create in NULL", ipc_channel_create(NULL, 8192, quick), wrong,
              "mem is NULL", "pass the memory");
    must_tell("create in 0 bytes", ipc_channel_create(memory, 0, quick), wrong,
              "size is 0", "number of bytes");
    must_tell("create in SIZE_MAX", ipc_channel_create(memory, SIZE_MAX, quick),
              wrong, "size is too large", "number of bytes at mem");
    small = ipc_channel_create(memory, 100, quick);
    must_tell_number("create in 100 bytes", small, wrong, "size is too small",
                     "ipc_channel_align_size()", min_size,
                     small.error.body.min_size);
    must_work(
        ipc_channel_create(memory, (size_t)small.error.body.min_size, quick));
    must(mprotect(memory, 8192, PROT_READ) == 0);
    must_tell("create where it may only be read",
              ipc_channel_create(memory, 8192, quick), IPC_ERR_READ_ONLY,
              "for reading only", "PROT_WRITE");
    must(mprotect(memory, 8192, PROT_READ | PROT_WRITE) == 0);

    IPC_IGNORE(ipc_channel_create(memory, 8192, quick));
    pid = fork_child();
    if (pid == 0) {
        IpcChannel *ch = result_of(ipc_channel_connect(memory, quick));

        must_work(ipc_channel_write(ch, data, 1));
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    must_tell_number("create what another uses",
                     ipc_channel_create(memory, 8192, quick), IPC_ERR_IN_USE,
                     "a process", "connect instead", value, pid);
    kill_child(pid);
}

static void memory_to_join(void)
{
    struct shm_region *region = shared_memory(8192);
    uint64_t needed;

    must_tell("connect to NULL", ipc_channel_connect(NULL, quick),
              IPC_ERR_INVALID_ARGUMENT, "mem is NULL", "create was given");
    must_tell("connect to 0 bytes", ipc_channel_connect_sized(region, 0, quick),
              IPC_ERR_INVALID_ARGUMENT, "size is 0", "mapped at mem");
    memset(region, 0xa5, 8192);
    must_tell("connect to garbage", ipc_channel_connect(region, quick),
              IPC_ERR_NOT_FORMATTED, "holds no buffer or channel",
              "create one there first");
    memset(region, 0, 8192);
    IPC_IGNORE(ipc_channel_create(region, 8192, quick));
    needed = 8192;
    must_tell_number(
        "connect to less than was formatted",
        ipc_channel_connect_sized(region, (size_t)needed - 4096, quick),
        IPC_ERR_TRUNCATED, "shorter", "map error.body.min_size", min_size,
        needed);
    region->identity.layout_version++;
    must_tell("connect to another version", ipc_channel_connect(region, quick),
              IPC_ERR_LAYOUT_VERSION, "another layout version",
              "one libshmipc on both sides");
    region->identity.layout_version--;
    region->identity.block_count = 0;
    must_tell("connect to a damaged header", ipc_channel_connect(region, quick),
              IPC_ERR_CORRUPTED, "cannot be true", "create it anew");
    must(mprotect(region, 8192, PROT_READ) == 0);
}

/* ---------------------------------------------------------- configurations */

#define must_refuse(mistake, change, wrong, help, number)                      \
    do {                                                                       \
        IpcChannelConfiguration c = quick;                                     \
                                                                               \
        change;                                                                \
        must_tell_number(mistake, ipc_channel_create(memory, 8192, c),         \
                         IPC_ERR_INVALID_ARGUMENT, wrong, help, value,         \
                         number);                                              \
    } while (0)

static void configurations(void)
{
    void *memory = shared_memory(8192);
    IpcChannelConfiguration zero = quick;

    zero.max_round_trips = 0;
    must_tell("max_round_trips 0", ipc_channel_create(memory, 8192, zero),
              IPC_ERR_INVALID_ARGUMENT, "max_round_trips is 0",
              "none for the defaults");
    zero = quick;
    zero.start_sleep_ns = 0;
    must_tell("start_sleep_ns 0", ipc_channel_create(memory, 8192, zero),
              IPC_ERR_INVALID_ARGUMENT, "start_sleep_ns is 0",
              "none for the defaults");
    zero = quick;
    zero.max_sleep_ns = 0;
    must_tell("max_sleep_ns 0", ipc_channel_create(memory, 8192, zero),
              IPC_ERR_INVALID_ARGUMENT, "max_sleep_ns is 0",
              "none for the defaults");
    must_refuse("start_sleep_ns -5", c.start_sleep_ns = -5,
                "start_sleep_ns is negative", "at least 1", -5);
    must_refuse("max_sleep_ns 5", c.max_sleep_ns = 5, "below start_sleep_ns",
                "at least as long", 5);
    must_refuse("options unknown", c.options = 1 << 20, "options has bits",
                "IPC_CHANNEL_*", 1 << 20);
    must_refuse("memory_fd 7", c.memory_fd = 7, "memory_fd is set",
                "IPC_CHANNEL_HAS_MEMORY_FD", 7);
    must_refuse("reserved", c.reserved[0] = 9, "reserved member",
                "initialise the whole", 9);
    must_refuse("wait 77", c.wait = 77, "no IpcWait", "IPC_WAIT_DEFAULT", 77);
    must_refuse("flags unknown", c.flags = 1 << 20, "flags has bits",
                "IPC_BUFFER_*", 1 << 20);
    must_refuse("flags with a descriptor", c.flags = IPC_BUFFER_HAS_MEMORY_FD,
                "IPC_BUFFER_HAS_MEMORY_FD", "IPC_CHANNEL_HAS_MEMORY_FD",
                IPC_BUFFER_HAS_MEMORY_FD);
    must_refuse("max_owners 5000", c.max_owners = 5000, "max_owners", "4096",
                5000);
}

/* What only a creator can do. */
static void flags_of_joiners(void)
{
    const IpcStatus wrong = IPC_ERR_INVALID_ARGUMENT;
    void *memory;
    IpcChannelConfiguration c = quick;
    IpcBufferOptions options = {.struct_size = sizeof options,
                                .flags = IPC_BUFFER_RECREATE};

    new_channel(BLOCKS, 0, &memory);
    c.flags = IPC_BUFFER_RECREATE;
    must_tell_number("connect and recreate", ipc_channel_connect(memory, c),
                     wrong, "has IPC_BUFFER_RECREATE", "leave it out", value,
                     c.flags);
    must_tell_number(
        "attach and recreate",
        ipc_buffer_attach_with_options(memory, ring_size(BLOCKS, 8), &options),
        wrong, "attach formats nothing", "leave it out", value, c.flags);
    c.flags = IPC_BUFFER_HAS_MEMORY_FD;
    must_be(ipc_channel_connect(memory, c).ipc_status, wrong);
}

/* ----------------------------------------------------------------- writing */

static void writes(void)
{
    const IpcStatus wrong = IPC_ERR_INVALID_ARGUMENT;
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    const struct timespec before = {-1, 0};

    must_tell("write to NULL", ipc_channel_write(NULL, data, 1), wrong,
              "the handle is NULL", "create, attach or connect");
    must_tell("write from NULL", ipc_channel_write(ch, NULL, 1), wrong,
              "data is NULL", "pass the bytes");
    must_tell("write 0 bytes", ipc_channel_write(ch, data, 0), wrong,
              "size is 0", "at least one byte");
    must_tell("write until a second ago",
              ipc_channel_write_with_timeout(ch, data, 1, &before), wrong,
              "tv_sec is negative", "NULL for ever");
    must_tell_number("write too much", ipc_channel_write(ch, data, sizeof data),
                     IPC_ERR_ENTRY_TOO_LARGE, "larger than",
                     "create with more memory", requested_size, sizeof data);
    must_work(ipc_channel_write(ch, data, sizeof data - 1));
    must_tell_number("write when full", ipc_channel_write(ch, data, 1),
                     IPC_ERR_NO_SPACE_CONTIGUOUS, "no space right now",
                     "a write that waits", free_space, 0);
    must_tell("write in time when full",
              ipc_channel_write_with_timeout(ch, data, 1, &none),
              IPC_ERR_TIMEOUT, "the deadline passed", "whether anybody reads");
    must_work(ipc_channel_close(ch));
    must_tell("write when closed", ipc_channel_write(ch, data, 1),
              IPC_ERR_CLOSED, "was closed", "create");
}

static void reservations(void)
{
    const IpcStatus wrong = IPC_ERR_INVALID_ARGUMENT;
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    IpcChannel *alone = new_channel(BLOCKS, IPC_BUFFER_ONE_PRODUCER, NULL);
    struct report *child = shared_memory(sizeof *child);
    IpcReservation to, other;
    pid_t pid;

    must_tell("commit nothing", ipc_channel_commit(ch, NULL, 1), wrong,
              "reservation is NULL", "that reserve has filled");
    must_work(ipc_channel_reserve(ch, 10, &to));
    must_tell("commit 0 bytes", ipc_channel_commit(ch, &to, 0), wrong,
              "size is 0", "abort");
    must_tell("commit 11 of 10 bytes", ipc_channel_commit(ch, &to, 11), wrong,
              "above the reserved size", "reserve the most");
    must_tell("commit by another handle", ipc_channel_commit(alone, &to, 1),
              wrong, "not one of this handle", "the handle that reserved it");
    pid = fork_child();
    if (pid == 0) {
        IpcChannelCommitResult r = ipc_channel_commit(ch, &to, 1);

        *child = (struct report){r.ipc_status, r.error.detail};
        child_done();
    }
    must_succeed(pid);
    must_be(child->status, IPC_ERR_ILLEGAL_STATE);
    must_say_both("commit after fork", child->text, "another process",
                  "reserve anew");
    must_work(ipc_channel_commit(ch, &to, 10));
    must_tell("commit twice", ipc_channel_commit(ch, &to, 10),
              IPC_ERR_ILLEGAL_STATE, "committed or aborted before",
              "reserve anew");
    must_work(ipc_channel_reserve(alone, 10, &to));
    must_tell("a commit is forgotten", ipc_channel_reserve(alone, 10, &other),
              IPC_ERR_ILLEGAL_STATE, "a reservation is open",
              "commit or abort");
}

/* ----------------------------------------------------------------- reading */

static void reads(void)
{
    const IpcStatus wrong = IPC_ERR_INVALID_ARGUMENT;
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    IpcEntry to = {0, NULL, sizeof data};

    must_tell("read into nothing", ipc_channel_read(ch, NULL), wrong,
              "dest is NULL", "pass an IpcEntry");
    must_tell("read into nowhere", ipc_channel_read_into(ch, &to), wrong,
              "dest->payload is NULL", "memory of yours");
    must_tell("skip at 3", ipc_channel_skip(ch, 3), wrong,
              "not a multiple of 8", "that was peeked");
    must_tell("read when empty", ipc_channel_read(ch, &to), IPC_ERR_RETRY_LIMIT,
              "max_round_trips", "a read that blocks");
    must_tell("read in time when empty",
              ipc_channel_read_with_timeout(ch, &to, &none), IPC_ERR_TIMEOUT,
              "the deadline passed", "whether anybody writes");
    must_work(ipc_channel_write(ch, data, 100));
    to = (IpcEntry){0, data, 99};
    must_tell_number("read into too little", ipc_channel_read_into(ch, &to),
                     IPC_ERR_TOO_SMALL, "too small", "provide error.body",
                     required_size, 100);
    must_tell_number("read an array of other items",
                     ipc_channel_try_read_array(ch, data, 8, 1),
                     IPC_ERR_SIZE_MISMATCH, "another size", "read it with",
                     required_size, 100);
    must_tell("skip another", ipc_channel_skip(ch, 64), IPC_ERR_OFFSET_MISMATCH,
              "not at the head", "peek again");
    must_work(ipc_channel_close(ch));
    to = (IpcEntry){0, data, sizeof data};
    must_work(ipc_channel_read_into(ch, &to));
    must_tell("read when closed", ipc_channel_read_into(ch, &to),
              IPC_ERR_CLOSED, "was closed", "destroy");
}

static void reads_behind_a_reservation(void)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    IpcReservation open;
    IpcEntry to;

    must_work(ipc_channel_reserve(ch, 10, &open));
    must_tell("read what is being written", ipc_channel_peek(ch, &to),
              IPC_ERR_NOT_READY, "is being written", "recover");
    must_tell("force what is being written", ipc_channel_skip_force(ch),
              IPC_ERR_LOCKED, "a living process", "try again");
    IPC_IGNORE(ipc_channel_interrupt(ch));
    must_tell("read when interrupted", ipc_channel_read(ch, &to),
              IPC_ERR_INTERRUPTED, "interrupted",
              "ipc_channel_clear_interrupt");
}

/* ------------------------------------------------------------ who may what */

static void roles(void)
{
    void *memory;
    IpcChannel *first = new_channel(
        BLOCKS, IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER, &memory);
    IpcChannel *second = result_of(ipc_channel_connect(memory, quick));
    IpcEntry to = {0, data, sizeof data};
    IpcBuffer *observer;

    must_work(ipc_channel_write(first, data, 10));
    must_tell("a second producer", ipc_channel_write(second, data, 10),
              IPC_ERR_ROLE_TAKEN, "the one producer", "destroy it first");
    must_work(ipc_channel_read_into(first, &to));
    must_tell("a second consumer", ipc_channel_read_into(second, &to),
              IPC_ERR_ROLE_TAKEN, "the one consumer", "destroy it first");
    observer = result_of(ipc_buffer_observe(memory, ring_size(BLOCKS, 8)));
    must_tell("write by who observes", ipc_buffer_write(observer, data, 1),
              IPC_ERR_READ_ONLY, "the handle observes", "attach or connect");
}

static void too_many_owners(void)
{
    struct shm_region *region = shared_memory(8192);
    IpcBuffer *b = make_ring(region, BLOCKS, 1, 0);
    struct gate *gate = make_gate();
    pid_t pid = fork_child();

    if (pid == 0) {
        must_write(b, 10, 1);
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    must_tell("more processes than owners", ipc_buffer_write(b, data, 1),
              IPC_ERR_OWNERS_FULL, "owner slots", "larger max_owners");
    kill_child(pid);
}

static void formatted_anew(void)
{
    void *memory;
    IpcChannel *old = new_channel(BLOCKS, 0, &memory);

    IPC_IGNORE(ipc_channel_create(memory, ring_size(BLOCKS, 8), quick));
    must_tell("write after another created", ipc_channel_write(old, data, 1),
              IPC_ERR_FORMATTED_ANEW, "formatted anew", "connect again");
}

static IpcChannel *make_reporting(void)
{
    IpcChannelConfiguration c = quick;

    c.options =
        IPC_CHANNEL_REPORT_DEAD_PRODUCERS | IPC_CHANNEL_REPORT_DEAD_CONSUMERS;
    return make_channel(BLOCKS, c, NULL);
}

/* A child writes and reads, and dies. */
static void let_die(IpcChannel *ch)
{
    pid_t pid = fork_child();
    IpcEntry to;

    if (pid == 0) {
        must_work(ipc_channel_write(ch, data, 1));
        must_work(ipc_channel_try_read(ch, &to));
        child_done();
    }
    must_succeed(pid);
}

static void the_dead(void)
{
    const struct timespec ten_seconds = {10, 0};
    IpcChannel *reader = make_reporting(), *writer = make_reporting();
    IpcEntry to;

    let_die(reader);
    let_die(writer);
    must_work(ipc_channel_write(writer, data, BLOCKS * 64 - 64));
    must_tell("write where all readers are dead",
              ipc_channel_write_with_timeout(writer, data, 100, &ten_seconds),
              IPC_ERR_CONSUMERS_DEAD, "is dead", "start a reader");
    must_tell("read where all writers are dead",
              ipc_channel_read_with_timeout(reader, &to, &ten_seconds),
              IPC_ERR_PRODUCERS_DEAD, "is dead", "start a writer");
}

/* ------------------------------------------------------- around channels */

static void looks(void)
{
    const IpcStatus wrong = IPC_ERR_INVALID_ARGUMENT;
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    IpcBufferStats stats = {.struct_size = 3};
    IpcOwner owner = {.struct_size = 3};

    must_tell("destroy NULL", ipc_channel_destroy(NULL), wrong,
              "the handle is NULL", "open a channel");
    must_tell("stats into nothing", ipc_channel_stats(ch, NULL), wrong,
              "dest is NULL", "IpcBufferStats");
    must_work(ipc_channel_write(ch, data, 1));
    must_tell("stats of 3 bytes", ipc_channel_stats(ch, &stats),
              IPC_ERR_TOO_SMALL, "struct_size", "sizeof(IpcBufferStats)");
    must_tell("owners into nothing", ipc_channel_owners(ch, NULL, 1), wrong,
              "owners is NULL", "room 0 to count");
    must_tell("owners of 3 bytes", ipc_channel_owners(ch, &owner, 1),
              IPC_ERR_TOO_SMALL, "struct_size", "sizeof(IpcOwner)");
}

static void sharing(void)
{
    const IpcStatus wrong = IPC_ERR_INVALID_ARGUMENT;
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    IpcSharedChannel shared = {.channel = NULL};
    int ends[2], null = open("/dev/null", O_RDWR);
    int memory = memfd_create("mistakes", 0);

    must(memory >= 0 && ftruncate(memory, 8192) == 0);
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && null >= 0);
    must_tell("share without memory", ipc_channel_share(ch, ends[0], -1, 0),
              wrong, "not opened by name", "pass the descriptor");
    must_tell("share what is no memory",
              ipc_channel_share(ch, ends[0], null, 8192), wrong,
              "memory_fd is no file", "memfd_create");
    must_tell_number("share less than there is",
                     ipc_channel_share(ch, ends[0], memory, 64), wrong,
                     "size is less", "how many bytes of the file", value,
                     ring_size(BLOCKS, 8));
    must_tell_number("share more than there is",
                     ipc_channel_share(ch, ends[0], memory, 8193), wrong,
                     "size is more", "how many bytes of the file", value, 8192);
    must_tell_number("share without a descriptor",
                     ipc_channel_share(ch, ends[0], -1, 8192), IPC_ERR_SYSTEM,
                     "could not be sent", "no open descriptor", sys_errno,
                     EBADF);
    must_tell_number("accept from a file", ipc_channel_accept(null, quick),
                     IPC_ERR_SYSTEM, "nothing could be received", "sys_errno",
                     sys_errno, ENOTSOCK);
    must(write(ends[0], data, 100) == 100);
    must_tell("accept what is no channel", ipc_channel_accept(ends[1], quick),
              IPC_ERR_CORRUPTED, "not what ipc_channel_share sends",
              "close the socket");
    must_tell("leave what is not shared", ipc_channel_leave_shared(&shared),
              wrong, "left already", "what ipc_channel_accept");
}

static void waiting_for_many(void)
{
    const IpcStatus wrong = IPC_ERR_INVALID_ARGUMENT;
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    IpcWaitSet *set = result_of(ipc_waitset_create());
    const struct timespec before = {-1, 0};
    IpcWaitSetReady ready;

    must_tell("destroy no set", ipc_waitset_destroy(NULL), wrong,
              "the set is NULL", "create one");
    must_tell("add no channel", ipc_waitset_add(set, NULL, NULL), wrong,
              "the channel is NULL", "connect");
    must_tell("remove what is not in it", ipc_waitset_remove(set, ch),
              IPC_ERR_ILLEGAL_STATE, "not in this set", "add");
    must_work(ipc_waitset_add(set, ch, NULL));
    must_tell("add twice", ipc_waitset_add(set, ch, NULL),
              IPC_ERR_ILLEGAL_STATE, "in a set already", "remove it there");
    must_tell("wait into nothing", ipc_waitset_wait(set, NULL, 1, &none), wrong,
              "ready is NULL", "pass an array");
    must_tell("wait with no room", ipc_waitset_wait(set, &ready, 0, &none),
              wrong, "room is 0", "how many");
    must_tell("wait until a second ago",
              ipc_waitset_wait(set, &ready, 1, &before), wrong, "timeout",
              "NULL for ever");
    must_tell("wait in vain", ipc_waitset_wait(set, &ready, 1, &none),
              IPC_ERR_TIMEOUT, "the deadline passed", "wait again");
    must_work(ipc_waitset_interrupt(set));
    must_tell("wait when interrupted", ipc_waitset_wait(set, &ready, 1, NULL),
              IPC_ERR_INTERRUPTED, "ipc_waitset_interrupt", "wait again");
    must_work(ipc_waitset_remove(set, ch));
    must_work(ipc_waitset_destroy(set));
}

Test(unit, each_mistake_has_a_text_that_says_what_was_wrong_and_what_to_do)
{
    names();
    names_of_segments();
    flags_that_exclude_each_other();
    what_exists();
    who_may_not();
    memory_to_create_in();
    memory_to_join();
    configurations();
    flags_of_joiners();
    writes();
    reservations();
    reads();
    reads_behind_a_reservation();
    roles();
    too_many_owners();
    formatted_anew();
    the_dead();
    looks();
    sharing();
    waiting_for_many();
    must(count > 90); /* else it has lost its way */
}
