/* SPDX-License-Identifier: MIT */
/*
 * What a subscriber's death costs who writes:
 *
 *     shmipc-bench-deaths [-n deaths] [-m bytes]
 *
 * One process writes messages of 64 bytes, and reads each as a subscriber of
 * its own. Another one subscribes and is killed, and when the ring of -m bytes
 * is full a write finds that it is dead. So the longest write of two laps is
 * what the death costs, and how many others were long says whether it costs
 * that once. In turn with each death the other one leaves by itself instead:
 * what is long then is the machine's. All times are of a clock on the wall.
 *
 *   buffer    writes that are tried until there is room
 *   channel   writes that wait, and may sleep
 *   zombie    the same, and nobody has reaped the dead
 *   by lock   a channel by name, where a lock that the kernel let go proves it
 */
#include "clock.h"
#include "statistics.h"
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 64, DEATHS_MAX = 10000, LONG_NS = 20000 };

static int deaths = 300;
static size_t memory_size = 1 << 18;
static void *memory;
static char name[64];

static const struct way {
    const char *title;
    bool is_buffer, leaves_zombie, has_name;
} ways[] = {
    {"buffer", true, false, false},
    {"channel", false, false, false},
    {"zombie", false, true, false},
    {"by lock", false, false, true},
};

/* A handle, of either kind. */
struct end {
    IpcBuffer *buffer;
    IpcChannel *channel;
};

static void need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

/* ----------------------------------------------------------------- handles */

static void create(const struct way *way)
{
    const IpcBufferOptions options = {.struct_size = sizeof options,
                                      .flags = IPC_BUFFER_BROADCAST |
                                               IPC_BUFFER_RECREATE};

    if (!way->has_name) {
        IpcBufferCreateResult r =
            ipc_buffer_create_with_options(memory, memory_size, &options);

        need(r.ipc_status == IPC_OK, "create");
        ipc_buffer_destroy(r.result);
    }
}

static struct end join(const struct way *way)
{
    const IpcChannelConfiguration how = {.max_round_trips = 1,
                                         .start_sleep_ns = 1000000,
                                         .max_sleep_ns = 1000000};
    IpcOpenOptions options = {.struct_size = sizeof options,
                              .size = memory_size,
                              .configuration = how};
    struct end end = {NULL, NULL};

    options.configuration.flags = IPC_BUFFER_BROADCAST;
    if (way->is_buffer)
        end.buffer = ipc_buffer_attach_sized(memory, memory_size).result;
    else if (way->has_name)
        end.channel = ipc_channel_open(name, &options).result;
    else
        end.channel =
            ipc_channel_connect_sized(memory, memory_size, how).result;
    need(end.buffer || end.channel, "a handle");
    return end;
}

static void subscribe(struct end end)
{
    IpcStatus status =
        end.buffer ? ipc_buffer_subscribe(end.buffer, NULL).ipc_status
                   : ipc_channel_subscribe(end.channel, NULL).ipc_status;

    need(status == IPC_OK, "subscribing");
}

static void leave(struct end end)
{
    if (end.buffer)
        ipc_buffer_destroy(end.buffer);
    else
        ipc_channel_destroy(end.channel);
}

static void write_one(struct end end)
{
    static const unsigned char message[SIZE] = {1};
    const struct timespec wait = {20, 0};
    IpcStatus status;

    do
        status = end.buffer
                     ? ipc_buffer_write(end.buffer, message, SIZE).ipc_status
                     : ipc_channel_write_with_timeout(end.channel, message,
                                                      SIZE, &wait)
                           .ipc_status;
    while (status == IPC_ERR_NO_SPACE_CONTIGUOUS || status == IPC_ERR_LOCKED);
    need(status == IPC_OK, "a write");
}

static void read_one(struct end end)
{
    unsigned char message[SIZE];
    IpcEntry entry = {.payload = message, .size = SIZE};
    IpcStatus status =
        end.buffer ? ipc_buffer_read(end.buffer, &entry).ipc_status
                   : ipc_channel_try_read_into(end.channel, &entry).ipc_status;

    need(status == IPC_OK, "a read");
}

/* ------------------------------------------------------------------- deaths */

/* Subscribes, says so, and either waits to be killed or leaves. */
static pid_t start_other(const struct way *way, bool dies)
{
    int said[2];
    char c;
    pid_t pid;

    need(pipe(said) == 0, "pipe");
    pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        struct end end;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        end = join(way);
        subscribe(end);
        if (!dies)
            leave(end);
        need(write(said[1], "", 1) == 1, "to say so");
        for (;;)
            pause();
    }
    need(read(said[0], &c, 1) == 1, "the other one");
    close(said[0]);
    close(said[1]);
    return pid;
}

static void reap(pid_t pid)
{
    need(waitpid(pid, NULL, 0) == pid, "waitpid");
}

/* A killed process is one when its memory and descriptors are gone. */
static void wait_until_zombie(pid_t pid)
{
    siginfo_t info;

    need(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0, "waitid");
}

/* The longest write of two laps in *longest, ns; and how many besides it were
 * long. */
static int write_laps(struct end writer, struct end reader, double *longest)
{
    int laps = (int)(2 * memory_size / SIZE), count = 0;

    *longest = 0;
    for (int i = 0; i < laps; i++) {
        uint64_t start = clock_system_ns();
        double took;

        write_one(writer);
        took = (double)(clock_system_ns() - start);
        if (took > LONG_NS)
            count++;
        if (took > *longest)
            *longest = took;
        read_one(reader);
    }
    return count > 0 ? count - 1 : 0;
}

static int one_death(const struct way *way, struct end writer,
                     struct end reader, bool dies, double *longest)
{
    pid_t pid = start_other(way, dies);
    int others;

    kill(pid, SIGKILL);
    if (way->leaves_zombie)
        wait_until_zombie(pid);
    else
        reap(pid);
    others = write_laps(writer, reader, longest);
    if (way->leaves_zombie)
        reap(pid);
    return others;
}

static void print(const struct way *way, bool died, double *longest, int others)
{
    size_t n = (size_t)deaths;

    printf("%-10s %-8s %9.1f %9.1f %9.1f %18.2f\n", way->title,
           died ? "dies" : "leaves", stat_quantile(longest, n, 0.5) / 1e3,
           stat_quantile(longest, n, 0.99) / 1e3,
           stat_quantile(longest, n, 1) / 1e3, (double)others / deaths);
}

static void measure(const struct way *way)
{
    static double longest[2][DEATHS_MAX];
    int others[2] = {0, 0};
    struct end writer, reader;

    create(way);
    writer = join(way);
    reader = join(way);
    subscribe(reader);
    for (int i = 0; i < deaths; i++)
        for (int dies = 0; dies < 2; dies++)
            others[dies] +=
                one_death(way, writer, reader, dies, &longest[dies][i]);
    for (int dies = 0; dies < 2; dies++)
        print(way, dies, longest[dies], others[dies]);
    leave(reader);
    leave(writer);
}

int main(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "n:m:")) != -1) {
        if (option == 'n')
            deaths = atoi(optarg);
        else if (option == 'm')
            memory_size = (size_t)atol(optarg);
        else
            return 2;
    }
    if (deaths < 1 || deaths > DEATHS_MAX || memory_size < 4096)
        return 2;
    snprintf(name, sizeof name, "/shmipc-bench-deaths-%d", (int)getpid());
    memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    need(memory != MAP_FAILED, "mmap");
    printf("%d of each; the longest write of two laps, us, and writes beside "
           "it above %d us\n%-10s %-8s %9s %9s %9s %18s\n",
           deaths, LONG_NS / 1000, "", "", "p50", "p99", "max", "others, mean");
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        measure(&ways[i]);
    IPC_IGNORE(ipc_channel_unlink(name));
    return 0;
}
