/* SPDX-License-Identifier: MIT */
/*
 * What it costs to make, join and leave a buffer or a channel, in memory or by
 * name, and what a process pays once: for its first message into a region, and
 * for its first one of all after a fork.
 */
#include "workloads.h"
#include "calls.h"
#include "clock.h"
#include "statistics.h"
#include <fcntl.h>
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLES = 1000, FORKS = 200 };

/* What a task's steps work on. */
static struct {
    void *memory;
    size_t size;
    void *mapped; /* by a name, of `size` bytes */
    IpcBuffer *buffer;
    IpcChannel *channel;
} my;

/* An operation: `timed` is what is measured; the steps around it are not.
 * Steps answer whether they went well. */
typedef bool step(void);
struct operation {
    step *before, *timed, *after;
    bool in_child; /* `timed` in a forked child */
};

/* ----------------------------------------------------------------- steps */

static bool nothing(void)
{
    return true;
}

static bool create_buffer(void)
{
    IpcBufferCreateResult r = ipc_buffer_create(my.memory, my.size);

    my.buffer = r.result;
    return IpcBufferCreateResult_is_ok(r);
}

static bool destroy_buffer(void)
{
    return IpcBufferDestroyResult_is_ok(ipc_buffer_destroy(my.buffer));
}

static bool visit_buffer(void)
{
    IpcBufferAttachResult r = ipc_buffer_attach_sized(my.memory, my.size);

    return IpcBufferAttachResult_is_ok(r) &&
           IpcBufferDestroyResult_is_ok(ipc_buffer_destroy(r.result));
}

static bool write_buffer(void)
{
    return IpcBufferWriteResult_is_ok(
        ipc_buffer_write(my.buffer, "12345678", 8));
}

static IpcChannelConfiguration configuration(void)
{
    return (IpcChannelConfiguration){.max_round_trips = 1,
                                     .start_sleep_ns = 1000000,
                                     .max_sleep_ns = 1000000};
}

static bool create_channel(void)
{
    IpcChannelResult r =
        ipc_channel_create(my.memory, my.size, configuration());

    my.channel = r.result;
    return IpcChannelResult_is_ok(r);
}

static bool destroy_channel(void)
{
    return IpcChannelDestroyResult_is_ok(ipc_channel_destroy(my.channel));
}

static bool visit_channel(void)
{
    IpcChannelConnectResult r =
        ipc_channel_connect_sized(my.memory, my.size, configuration());

    return IpcChannelConnectResult_is_ok(r) &&
           IpcChannelDestroyResult_is_ok(ipc_channel_destroy(r.result));
}

static bool write_channel(void)
{
    return IpcChannelWriteResult_is_ok(
        ipc_channel_write(my.channel, "12345678", 8));
}

/* --------------------------------------------------------------- by name */

static const char *its_name(void)
{
    static char name[32];

    snprintf(name, sizeof name, "/shmipc-bench-%ld", (long)getpid());
    return name;
}

static bool open_channel(void)
{
    IpcOpenOptions options = {.struct_size = sizeof options, .size = my.size};
    IpcChannelOpenResult r = ipc_channel_open(its_name(), &options);

    my.channel = r.result;
    return IpcChannelOpenResult_is_ok(r);
}

static bool visit_name(void)
{
    IpcChannelOpenResult r = ipc_channel_open(its_name(), NULL);

    return IpcChannelOpenResult_is_ok(r) &&
           IpcChannelDestroyResult_is_ok(ipc_channel_destroy(r.result));
}

static bool remove_channel(void)
{
    return destroy_channel() && shm_unlink(its_name()) == 0;
}

/* For comparison: what a name costs that has memory and nothing else. */
static bool map_named(int flags)
{
    int fd = shm_open(its_name(), O_RDWR | flags, 0600);
    struct stat file;

    if (fd < 0 || (flags && posix_fallocate(fd, 0, (off_t)my.size) != 0) ||
        fstat(fd, &file) != 0)
        return false;
    my.mapped = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE,
                     MAP_SHARED, fd, 0);
    return close(fd) == 0 && my.mapped != MAP_FAILED;
}

static bool unmap_named(void)
{
    return munmap(my.mapped, my.size) == 0;
}

static bool create_named(void)
{
    return map_named(O_CREAT | O_EXCL);
}

static bool remove_named(void)
{
    return unmap_named() && shm_unlink(its_name()) == 0;
}

static bool create_unmapped(void)
{
    return create_named() && unmap_named();
}

static bool visit_named(void)
{
    return map_named(0) && unmap_named();
}

static bool unlink_named(void)
{
    return shm_unlink(its_name()) == 0;
}

/* For comparison: what a child pays for anything that it does first is mostly
 * page faults. */
static bool look_at_proc(void)
{
    char line[512];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, line, sizeof line);

    return close(fd) == 0 && got > 0;
}

/* ------------------------------------------------------------- measuring */

static bool time_step(step *timed, uint64_t *ticks)
{
    uint64_t start = clock_ticks();
    bool went_well = timed();

    *ticks = clock_ticks() - start;
    return went_well;
}

static bool time_in_child(step *timed, uint64_t *shared_ticks)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(time_step(timed, shared_ticks) ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* ns of one */
static double time_operation(const struct task *task)
{
    const struct operation *o = task->of;
    size_t count = o->in_child ? FORKS : SAMPLES;
    uint64_t *samples = task_memory(count * sizeof *samples);

    my.size = task->memory;
    my.memory = task_memory(my.size);
    for (size_t i = 0; i < count; i++)
        if (!o->before() ||
            !(o->in_child ? time_in_child : time_step)(o->timed, &samples[i]) ||
            !o->after())
            _exit(1);
    return (stat_mean(samples, count) - (double)run_clock_ticks()) *
           run_ns_per_tick();
}

#define OPERATION(NAME, TRAITS, BEFORE, TIMED, AFTER, IN_CHILD)                \
    {                                                                          \
        .about = {.name = NAME, .traits = TRAITS}, .figure = "ns",             \
        .measure = time_operation,                                             \
        .of = &(const struct operation){BEFORE, TIMED, AFTER, IN_CHILD},       \
    }

static const struct task operations[] = {
    OPERATION("bare: child reads /proc/self", TRAIT_KERNEL, nothing,
              look_at_proc, nothing, true),
    OPERATION("shmipc buffer: create", TRAIT_OURS, nothing, create_buffer,
              destroy_buffer, false),
    OPERATION("shmipc buffer: attach, destroy", TRAIT_OURS, create_buffer,
              visit_buffer, destroy_buffer, false),
    OPERATION("shmipc buffer: first write", TRAIT_OURS, create_buffer,
              write_buffer, destroy_buffer, false),
    OPERATION("shmipc buffer: child's first", TRAIT_OURS, create_buffer,
              write_buffer, destroy_buffer, true),
    OPERATION("shmipc channel: create", TRAIT_OURS, nothing, create_channel,
              destroy_channel, false),
    OPERATION("shmipc channel: connect, destroy", TRAIT_OURS, create_channel,
              visit_channel, destroy_channel, false),
    OPERATION("shmipc channel: first write", TRAIT_OURS, create_channel,
              write_channel, destroy_channel, false),
    OPERATION("shmipc channel: child's first", TRAIT_OURS, create_channel,
              write_channel, destroy_channel, true),
    OPERATION("bare: shm_open, fallocate, mmap", TRAIT_KERNEL, nothing,
              create_named, remove_named, false),
    OPERATION("shmipc channel: open, creates", TRAIT_OURS, nothing,
              open_channel, remove_channel, false),
    OPERATION("bare: shm_open, mmap, munmap", TRAIT_KERNEL, create_unmapped,
              visit_named, unlink_named, false),
    OPERATION("shmipc channel: open, destroy", TRAIT_OURS, open_channel,
              visit_name, remove_channel, false),
};

enum { OPERATIONS = sizeof operations / sizeof operations[0] };

static void lifecycle_of(const struct plan *plan, size_t memory)
{
    struct task tasks[OPERATIONS];
    struct field field = {.workload = "lifecycle"};
    char group[32];

    snprintf(group, sizeof group, "%zu KiB", memory >> 10);
    task_enter(&field, &call_system, group);
    for (int i = 0; i < OPERATIONS; i++) {
        tasks[i] = operations[i];
        tasks[i].memory = memory;
        if (plan_wants(plan, &tasks[i].about))
            task_enter(&field, &tasks[i], group);
    }
    field_measure(&field, plan, task_measure);
    field_limit(&field, "system call", FIELD_SMALLEST);
}

void workload_lifecycle(const struct plan *plan)
{
    lifecycle_of(plan, 1 << 10);
    lifecycle_of(plan, 64 << 10);
    lifecycle_of(plan, 1 << 20);
    report_print("lifecycle");
}
