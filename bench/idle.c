/* SPDX-License-Identifier: MIT */
/*
 * What channels cost that nothing comes to, each polled by its own descriptor:
 *
 *     shmipc-bench-idle [-c channels] [-s seconds] [-r rounds]
 *
 * A process makes so many, puts their descriptors into one epoll, and waits
 * there; whatever becomes readable it reads until there is nothing. Figures are
 * of the whole process, threads of the library included, medians of rounds in
 * which all take turns: how often a thread of it ran, how much CPU that took,
 * and what making one took, its memory left out. Bare eventfds and pipes are
 * there to compare.
 */
#include <shmipc/shmipc.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 15, CHANNELS_MAX = 4096, CAPACITY = 1024, READY = 64 };

struct way {
    const char *name;
    uint32_t wait; /* 0: no channel */
    int (*bare)(void);
};

struct figures {
    double runs, cpu, make; /* a second, per cent, us */
};

static int rounds = 3;
static int count = 1000;
static double seconds = 2;
static struct figures *shared; /* with who measures */
static IpcChannel *channels[CHANNELS_MAX];
static void *memories[CHANNELS_MAX];
static int loop;

static void need(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s failed\n", what);
    _exit(1);
}

static double now_s(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int bare_eventfd(void)
{
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static int bare_pipe(void)
{
    int ends[2];

    return pipe(ends) == 0 ? ends[0] : -1;
}

static int make_channel(int i, uint32_t wait, size_t size)
{
    IpcChannelConfiguration configuration = {.wait = wait};
    IpcChannelResult r = ipc_channel_create(memories[i], size, configuration);
    IpcChannelFdResult fd;

    need(IpcChannelResult_is_ok(r), "create");
    channels[i] = r.result;
    fd = ipc_channel_fd(channels[i]);
    need(IpcChannelFdResult_is_ok(fd), "descriptor");
    return fd.result;
}

static void get_memory(size_t size)
{
    for (int i = 0; i < count; i++) {
        memories[i] = mmap(NULL, size, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        need(memories[i] != MAP_FAILED, "mmap");
    }
}

static void make_all(const struct way *way)
{
    const size_t size = ipc_channel_align_size(CAPACITY);
    double begun;

    get_memory(size);
    loop = epoll_create1(EPOLL_CLOEXEC);
    begun = now_s(CLOCK_MONOTONIC);
    for (int i = 0; i < count; i++) {
        struct epoll_event what = {.events = EPOLLIN, .data.fd = i};
        int fd = way->bare ? way->bare() : make_channel(i, way->wait, size);

        need(fd >= 0, "descriptor");
        need(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &what) == 0, "epoll_ctl");
    }
    shared->make = (now_s(CLOCK_MONOTONIC) - begun) / count * 1e6;
}

static void drain(IpcChannel *ch)
{
    char got[8];
    IpcEntry entry = {.payload = got, .size = sizeof got};

    need(ipc_channel_try_read_into(ch, &entry).ipc_status == IPC_EMPTY, "read");
}

/* The io_uring of a handle that goes can break off an epoll_wait(). */
static void wait_for(double time)
{
    const double end = now_s(CLOCK_MONOTONIC) + time;
    double left;

    while ((left = end - now_s(CLOCK_MONOTONIC)) > 0) {
        struct epoll_event ready[READY];
        int got = epoll_wait(loop, ready, READY, (int)(left * 1e3) + 1);

        need(got >= 0 || errno == EINTR, "epoll_wait");
        for (int i = 0; i < got; i++)
            drain(channels[ready[i].data.fd]);
    }
}

static void be_idle(const struct way *way)
{
    struct rusage before, after;
    double begun;

    make_all(way);
    wait_for(1);
    getrusage(RUSAGE_SELF, &before);
    shared->cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    begun = now_s(CLOCK_MONOTONIC);
    wait_for(seconds);
    begun = now_s(CLOCK_MONOTONIC) - begun;
    shared->cpu = (now_s(CLOCK_PROCESS_CPUTIME_ID) - shared->cpu) / begun * 100;
    getrusage(RUSAGE_SELF, &after);
    shared->runs = (double)(after.ru_nvcsw - before.ru_nvcsw) / begun;
    _exit(0);
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double values[])
{
    qsort(values, (size_t)rounds, sizeof *values, compare);
    return values[rounds / 2];
}

/* False: that way is not to be had here. */
static int measure(const struct way *way)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        be_idle(way);
    return waitpid(child, &status, 0) == child && status == 0;
}

int main(int argc, char **argv)
{
    static const struct way ways[] = {
        {"eventfds", 0, bare_eventfd},
        {"pipes", 0, bare_pipe},
        {"futex", IPC_WAIT_FUTEX, NULL},
        {"eventfd", IPC_WAIT_EVENTFD, NULL},
        {"io_uring", IPC_WAIT_IO_URING, NULL},
    };
    enum { WAYS = sizeof ways / sizeof ways[0] };
    static double figures[WAYS][3][ROUNDS_MAX];
    int fails[WAYS] = {0};
    int option;

    while ((option = getopt(argc, argv, "c:s:r:")) >= 0) {
        if (option == 'c')
            count = atoi(optarg);
        else if (option == 's')
            seconds = atof(optarg);
        else if (option == 'r')
            rounds = atoi(optarg);
        else
            return 2;
    }
    need(rounds >= 1 && rounds <= ROUNDS_MAX && count >= 1 &&
             count <= CHANNELS_MAX,
         "arguments");
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){1 << 16, 1 << 16});
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    need(shared != MAP_FAILED, "memory");
    for (int i = 0; i < rounds; i++)
        for (int w = 0; w < WAYS; w++) {
            fails[w] += !measure(&ways[w]);
            figures[w][0][i] = shared->runs;
            figures[w][1][i] = shared->cpu;
            figures[w][2][i] = shared->make;
        }
    printf("%d idle descriptors in one epoll\n", count);
    printf("           runs/s     CPU %%   made in us\n");
    for (int w = 0; w < WAYS; w++)
        printf("%-8s %8.0f %9.3f %12.2f%s\n", ways[w].name,
               median(figures[w][0]), median(figures[w][1]),
               median(figures[w][2]), fails[w] ? " (failed)" : "");
    return 0;
}
