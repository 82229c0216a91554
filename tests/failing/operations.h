/* SPDX-License-Identifier: MIT */
/*
 * What a program does with the library, each in a function that says whether
 * all of it worked; and what they work on.
 */
#ifndef SHMIPC_FAILING_OPERATIONS_H
#define SHMIPC_FAILING_OPERATIONS_H

#include "../own_name.h"
#include "calls.h"
#include <dirent.h>
#include <fcntl.h>
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <sys/wait.h>

enum { SIZE = 8192 };

#define must(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "call %d, %s, fails; not so: %s\n", fails_at,      \
                    tally->failed ? tally->failed : "none", #condition);       \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

/* True: it worked. False: it said why not. */
#define worked(r)                                                              \
    ((r).ipc_status >= 0 ||                                                    \
     (must_explain((r).ipc_status, (r).error.detail), false))

static void must_explain(IpcStatus status, const char *detail)
{
    must(strcmp(ipc_status_name(status), "unknown") != 0);
    must(detail && strlen(detail) > 10);
}

/* A descriptor that cannot be told to be the library's own is not closed. */
static bool cannot_be_told(void)
{
    return tally->failed && strstr(tally->failed, "fstat");
}

static _Alignas(64) unsigned char memory[SIZE];
static char name[OWN_NAME_ROOM];
static int sockets[2], streams[2], memory_fd;
static void *shared;

static IpcChannelConfiguration configured(uint32_t wait)
{
    IpcChannelConfiguration c = IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);

    c.wait = wait;
    return c;
}

/* What could not be removed is whole, and can be removed again. */
static bool remove_segment(IpcMemorySegment *segment)
{
    IpcMmapUnlinkResult u = ipc_unlink(segment);

    if (worked(u))
        return true;
    memset(segment->memory, 1, SIZE);
    counts = false;
    must(ipc_unlink(segment).ipc_status == IPC_OK);
    return false;
}

static bool do_segment(void)
{
    const IpcMmapOptions group = {.struct_size = sizeof group,
                                  .flags = IPC_MMAP_GROUP,
                                  .group = (uint32_t)getegid()};
    IpcMemorySegmentResult r = ipc_mmap_with_options(name, SIZE, &group);
    IpcMemorySegmentResult again;
    IpcMmapUnmapResult u;
    bool good = true;

    if (!worked(r))
        return false;
    again = ipc_mmap(name, SIZE);
    good = worked(again);
    if (good) {
        u = ipc_unmap(again.result);
        good = worked(u);
        if (!good)
            must(ipc_unmap(again.result).ipc_status == IPC_OK);
    }
    return remove_segment(r.result) && good;
}

static bool is_same_file(int fd, int other)
{
    struct stat file, wanted;

    return fstat(fd, &file) == 0 && fstat(other, &wanted) == 0 &&
           file.st_dev == wanted.st_dev && file.st_ino == wanted.st_ino;
}

static bool sees_lock(int fd)
{
    struct flock what = {.l_type = F_WRLCK,
                         .l_whence = SEEK_SET,
                         .l_start = (off_t)(INT64_C(1) << 62)};

    must(fcntl(fd, F_OFD_GETLK, &what) == 0);
    return what.l_type != F_UNLCK;
}

/* Descriptors of the segment that hold the locks of the process that forked
 * this one: on such a description nobody else's lock is in the way. */
static void must_hold_no_lock_of(IpcMemorySegment *segment)
{
    int own = shm_open(segment->name, O_RDONLY, 0);
    bool is_locked;

    must(own >= 0);
    is_locked = sees_lock(own);
    for (int fd = 0; fd < own; fd++)
        must(!is_same_file(fd, own) || sees_lock(fd) == is_locked ||
             cannot_be_told());
    close(own);
}

static bool use_inherited(IpcChannel *ch, IpcMemorySegment *segment)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        IpcChannelWriteResult w;
        bool counted = counts;

        counts = false;
        must_hold_no_lock_of(segment);
        counts = counted;
        w = ipc_channel_write(ch, "x", 1);
        _exit(worked(w) ? 0 : 2);
    }
    must(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    must(WEXITSTATUS(status) != 1);
    return status == 0;
}

/* In memory whose file is known, so that owners are locked. */
static bool do_fork(void)
{
    IpcMemorySegmentResult r = ipc_mmap(name, SIZE);
    IpcChannelResult made;
    IpcChannelWriteResult w;
    bool good;

    if (!worked(r))
        return false;
    made =
        ipc_channel_create(r.result->memory, SIZE, configured(IPC_WAIT_FUTEX));
    good = worked(made);
    if (good) {
        w = ipc_channel_write(made.result, "x", 1);
        good = worked(w);
        good &= use_inherited(made.result, r.result);
        ipc_channel_destroy(made.result);
    }
    return remove_segment(r.result) && good;
}

static bool do_memory_fd(void)
{
    IpcChannelConfiguration c = configured(IPC_WAIT_FUTEX);
    IpcChannelConnectResult joined;
    IpcChannelWriteResult w;
    bool good;

    c.options = IPC_CHANNEL_HAS_MEMORY_FD;
    c.memory_fd = memory_fd;
    joined = ipc_channel_connect(shared, c);
    if (!worked(joined))
        return false;
    w = ipc_channel_write(joined.result, "x", 1);
    good = worked(w);
    ipc_channel_destroy(joined.result);
    return good;
}

static bool do_buffer(void)
{
    IpcBufferCreateResult made = ipc_buffer_create(memory, SIZE);
    IpcBufferAttachResult joined;
    bool good;

    if (!worked(made))
        return false;
    joined = ipc_buffer_observe(memory, SIZE);
    good = worked(joined);
    if (good)
        ipc_buffer_destroy(joined.result);
    good &= ipc_buffer_write(made.result, "x", 1).ipc_status == IPC_OK;
    ipc_buffer_destroy(made.result);
    return good;
}

static bool polls = true; /* a channel is asked for its descriptor, too */

static bool use_channel(uint32_t wait)
{
    IpcChannelResult made = ipc_channel_create(memory, SIZE, configured(wait));
    const struct timespec soon = {0, 1000000};
    IpcChannelFdResult fd;
    IpcChannelWriteResult written;
    IpcChannelReadWithTimeoutResult read;
    IpcEntry entry;
    bool good;

    if (made.ipc_status == IPC_ERR_UNSUPPORTED && !tally->failed)
        return true; /* this way was not built */
    if (!worked(made))
        return false;
    written = ipc_channel_write(made.result, "x", 1);
    good = worked(written);
    read = ipc_channel_read_with_timeout(made.result, &entry, &soon);
    if (read.ipc_status == IPC_OK)
        free(entry.payload);
    else
        good &= worked(read);
    if (polls) {
        fd = ipc_channel_fd(made.result);
        if (fd.ipc_status != IPC_ERR_UNSUPPORTED)
            good &= worked(fd);
    }
    ipc_channel_destroy(made.result);
    return good;
}

static bool do_futex(void)
{
    return use_channel(IPC_WAIT_FUTEX);
}

static bool do_eventfd(void)
{
    return use_channel(IPC_WAIT_EVENTFD);
}

static bool do_io_uring(void)
{
    return use_channel(IPC_WAIT_IO_URING);
}

/* A subscriber polls: it has nothing to read, and takes down what was
 * signalled. */
static bool do_poll_subscribed(void)
{
    IpcChannelConfiguration c = configured(IPC_WAIT_EVENTFD);
    IpcChannelResult made;
    IpcChannelSubscribeResult subscribed;
    IpcChannelFdResult fd;
    IpcChannelTryReadResult read;
    IpcEntry entry;
    bool good;

    c.flags |= IPC_BUFFER_BROADCAST;
    made = ipc_channel_create(memory, SIZE, c);
    if (made.ipc_status == IPC_ERR_UNSUPPORTED && !tally->failed)
        return true; /* this way was not built */
    if (!worked(made))
        return false;
    subscribed = ipc_channel_subscribe(made.result, NULL);
    fd = ipc_channel_fd(made.result);
    good = worked(subscribed) && worked(fd);
    read = ipc_channel_try_read(made.result, &entry);
    good &= read.ipc_status != IPC_OK;
    ipc_channel_destroy(made.result);
    return good;
}

static bool share_by(const int *pair)
{
    IpcChannelConnectResult joined =
        ipc_channel_connect(shared, configured(IPC_WAIT_FUTEX));
    IpcChannelShareResult sent;
    IpcChannelAcceptResult got;
    IpcChannelLeaveSharedResult left;
    bool good;

    if (!worked(joined))
        return false;
    sent = ipc_channel_share(joined.result, pair[0], memory_fd, SIZE);
    good = worked(sent);
    if (good) {
        got = ipc_channel_accept(pair[1], configured(IPC_WAIT_FUTEX));
        good = worked(got);
        if (good) {
            good = ipc_channel_write(got.result.channel, "x", 1).ipc_status ==
                   IPC_OK;
            left = ipc_channel_leave_shared(&got.result);
            good &= worked(left);
        }
    }
    ipc_channel_destroy(joined.result);
    return good;
}

static bool do_share(void)
{
    return share_by(sockets);
}

static bool do_share_in_halves(void)
{
    bool good;

    in_halves = true;
    sends = receipts = 0;
    good = share_by(streams);
    in_halves = false;
    return good;
}

/* A claim of a process that is dead. */
static bool do_recover(void)
{
    IpcChannelConnectResult joined =
        ipc_channel_connect(shared, configured(IPC_WAIT_FUTEX));
    IpcChannelRecoverResult r;
    IpcEntry entry;
    bool good;

    if (!worked(joined))
        return false;
    r = ipc_channel_recover(joined.result, false);
    good = worked(r);
    if (good)
        must(ipc_channel_peek(joined.result, &entry).ipc_status == IPC_EMPTY);
    ipc_channel_destroy(joined.result);
    return good;
}

/* It finds what is there, sleeps for what is not, and can be released. */
static bool wait_with(IpcWaitSet *set, IpcChannel *channel)
{
    const struct timespec soon = {0, 1000000};
    IpcWaitSetAddResult added = ipc_waitset_add(set, channel, NULL);
    IpcWaitSetReady ready;
    IpcWaitSetWaitResult r;

    if (!worked(added))
        return false;
    r = ipc_waitset_wait(set, &ready, 1, &soon);
    must(r.ipc_status == IPC_ERR_TIMEOUT);
    if (ipc_channel_write(channel, "x", 1).ipc_status != IPC_OK)
        return false;
    r = ipc_waitset_wait(set, &ready, 1, NULL);
    must(r.ipc_status == IPC_OK && ready.channel == channel);
    return true;
}

static bool do_waitset(void)
{
    IpcChannelResult made =
        ipc_channel_create(memory, SIZE, configured(IPC_WAIT_FUTEX));
    IpcWaitSetCreateResult set;
    bool good;

    if (!worked(made))
        return false;
    set = ipc_waitset_create();
    good = worked(set);
    if (good) {
        good = wait_with(set.result, made.result);
        must(ipc_waitset_destroy(set.result).ipc_status == IPC_OK);
    }
    ipc_channel_destroy(made.result);
    return good;
}

static bool opened(const IpcChannelOpenResult *r)
{
    if (worked(*r))
        return true;
    must(r->ipc_status != IPC_ERR_SYSTEM || r->error.body.sys_errno != 0);
    return false;
}

/* Destroying has no answer: a name that could not be removed stays. */
static void leave_last(IpcChannel *ch)
{
    bool before = tally->failed;
    bool counted = counts;

    ipc_channel_destroy(ch);
    counts = false;
    must(before == (tally->failed != NULL) || shm_unlink(name) == 0 ||
         errno == ENOENT);
    counts = counted;
}

static bool do_open(void)
{
    const IpcOpenOptions options = {
        .struct_size = sizeof options,
        .flags = IPC_OPEN_GROUP | IPC_OPEN_PREFAULT | IPC_OPEN_LOCK_MEMORY |
                 IPC_OPEN_UNLINK_LAST,
        .group = (uint32_t)getegid(),
        .size = SIZE};
    IpcChannelOpenResult first = ipc_channel_open(name, &options);
    IpcChannelOpenResult second;
    IpcChannelWriteResult w;
    bool good;

    if (!opened(&first))
        return false;
    must(ipc_channel_created(first.result));
    second = ipc_channel_open(name, &options);
    good = opened(&second);
    if (good) {
        must(!ipc_channel_created(second.result));
        w = ipc_channel_write(second.result, "x", 1);
        good = worked(w);
        leave_last(second.result);
    }
    leave_last(first.result);
    return good;
}

static bool tap_it(void)
{
    IpcTapOpenResult opened_tap = ipc_tap_open(name, NULL);
    char byte;
    IpcEntry entry = {0, &byte, 1};
    IpcTapReadResult r;

    if (!worked(opened_tap))
        return false;
    r = ipc_tap_read_with_timeout(opened_tap.result, &entry, 1000);
    must(r.ipc_status == IPC_OK && byte == 'x');
    must(ipc_tap_destroy(opened_tap.result).ipc_status == IPC_OK);
    return true;
}

static bool do_tap(void)
{
    const IpcOpenOptions options = {.struct_size = sizeof options,
                                    .flags = IPC_OPEN_UNLINK_LAST,
                                    .configuration.flags = IPC_BUFFER_TAPS,
                                    .size = SIZE};
    IpcChannelOpenResult r = ipc_channel_open(name, &options);
    IpcChannelWriteResult w;
    bool good;

    if (!opened(&r))
        return false;
    w = ipc_channel_write(r.result, "x", 1);
    good = worked(w) && tap_it();
    leave_last(r.result);
    return good;
}

static void make_leftover(void)
{
    bool counted = counts;
    int fd;

    counts = false;
    fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    must(fd >= 0 && ftruncate(fd, 65536) == 0);
    must(pwrite(fd, "", 1, 5000) == 1); /* no hole there */
    close(fd);
    counts = counted;
}

/* What a killed creator left is made, and replaced when nobody uses it. */
static bool do_leftover(void)
{
    const IpcOpenOptions options = {.struct_size = sizeof options,
                                    .flags = IPC_OPEN_REPLACE_DEAD,
                                    .size = SIZE};
    bool counted = counts;
    bool good = true;

    make_leftover();
    for (int i = 0; i < 2 && good; i++) {
        IpcChannelOpenResult r = ipc_channel_open(name, &options);

        good = opened(&r);
        if (good) {
            /* What could not be unmapped is in use. */
            must(ipc_channel_created(r.result) || tally->failed);
            ipc_channel_destroy(r.result);
        }
    }
    counts = false;
    must(shm_unlink(name) == 0 || !good);
    counts = counted;
    return good;
}

/* Names that begin with ours, which are removed: if nothing failed none is
 * left. */
static void must_leave_no_names(void)
{
    bool counted = counts;
    DIR *shm;
    const struct dirent *entry;

    counts = false;
    shm = opendir("/dev/shm");
    while (shm && (entry = readdir(shm)))
        if (strncmp(entry->d_name, name + 1, strlen(name + 1)) == 0) {
            must(tally->failed);
            shm_unlink(entry->d_name);
        }
    if (shm)
        closedir(shm);
    counts = counted;
}

static bool answer_one(IpcService *service, IpcClient *client)
{
    const struct timespec at_once = {0, 0}, a_second = {1, 0};
    IpcClientSendResult sent = ipc_client_send(client, "x", 1, &a_second);
    IpcServiceReceiveResult r;
    IpcServiceAnswerResult answered;
    IpcClientCollectResult collected;
    IpcAnswer answer = {.payload = NULL};

    if (!worked(sent))
        return false;
    r = ipc_service_receive(service, &a_second);
    if (!worked(r))
        return false;
    answered = ipc_service_answer(service, r.result, "yes", 3);
    if (!worked(answered))
        return false;
    collected = ipc_client_collect(client, sent.result, &answer, &at_once);
    if (!worked(collected))
        return false;
    must(collected.ipc_status == IPC_OK && answer.size == 3);
    free(answer.payload);
    return true;
}

static bool do_call(void)
{
    IpcServiceOpenResult service = ipc_service_open(name, NULL);
    IpcClientOpenResult client;
    bool good = worked(service);

    if (good) {
        const IpcClientOptions options = {.struct_size = sizeof options,
                                          .timeout_ns = 10000000};

        client = ipc_client_open(name, &options);
        good = worked(client);
        if (good) {
            good = answer_one(service.result, client.result);
            must(ipc_client_destroy(client.result).ipc_status == IPC_OK);
        }
        must(ipc_service_destroy(service.result).ipc_status == IPC_OK);
    }
    must_leave_no_names();
    return good;
}

static const struct {
    const char *name;
    bool (*act)(void);
} operations[] = {
    {"segment", do_segment},     {"buffer", do_buffer},
    {"futex", do_futex},         {"eventfd", do_eventfd},
    {"io_uring", do_io_uring},   {"share", do_share},
    {"recover", do_recover},     {"fork", do_fork},
    {"memory_fd", do_memory_fd}, {"share in halves", do_share_in_halves},
    {"open", do_open},           {"leftover", do_leftover},
    {"waitset", do_waitset},     {"tap", do_tap},
    {"call", do_call},           {"poll subscribed", do_poll_subscribed},
};

static void set_scene(void)
{
    pid_t pid;

    own_name(name, "failing");
    memory_fd = memfd_create("failing", MFD_CLOEXEC);
    must(memory_fd >= 0 && ftruncate(memory_fd, SIZE) == 0);
    shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
    must(shared != MAP_FAILED);
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sockets) == 0);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, streams) == 0);
    pid = fork();
    if (pid == 0) {
        IpcReservation r;
        IpcChannelResult made =
            ipc_channel_create(shared, SIZE, configured(IPC_WAIT_FUTEX));

        IPC_IGNORE(ipc_channel_reserve(made.result, 10, &r));
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

#endif
