/* SPDX-License-Identifier: MIT */
/*
 * Wake latency: a message goes to a party that is asleep, and comes back to
 * one that fell asleep meanwhile. Half of that round trip, for every way of
 * waiting of a channel beside a bare futex, a bare eventfd and a pipe, in turn
 * in one run.
 *
 *     wake [-c cpu,cpu] [-n round trips] [-r rounds] [-j]
 *          [-s spin ns] [-t think ns]
 *
 * -s lets channels spin before they sleep, -t lets the answering party take its
 * time. -c puts the two processes on these CPUs; with the same one twice the
 * cost of software shows, with two the machine's way of waking a CPU. -j prints
 * JSON.
 */
#include <linux/futex.h>
#include <sched.h>
#include <shmipc/shmipc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 64, MEMORY = 16384, MAX_ROUNDS = 25, WARM_UP = 500 };

struct words {
    _Atomic uint32_t turn[2]; /* grows with every message to that side */
    char pad[56];
};

/* One direction of each method. */
struct link {
    struct words *words;
    int event;
    int pipe[2];
    IpcChannel *channel;
};

struct method {
    const char *name;
    uint32_t wait; /* IpcWait of a channel; 0: a bare one */
    int (*send)(struct link *to, uint32_t i);
    int (*receive)(struct link *from, uint32_t i);
    double p50[MAX_ROUNDS], p99[MAX_ROUNDS], p999[MAX_ROUNDS];
    int rounds;
};

static int cpus[2] = {-1, -1};
static uint32_t trips = 20000;
static uint32_t spin_ns = IPC_CHANNEL_NO_SPIN;
static uint32_t think_ns; /* what the other party takes to answer */

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ----------------------------------------------------------------- methods */

static int futex_send(struct link *to, uint32_t i)
{
    atomic_uint *word = &to->words->turn[0];

    atomic_store(word, i + 1);
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
    return 0;
}

static int futex_receive(struct link *from, uint32_t i)
{
    atomic_uint *word = &from->words->turn[0];

    while (atomic_load(word) == i)
        syscall(SYS_futex, word, FUTEX_WAIT, i, NULL, NULL, 0);
    return 0;
}

static int event_send(struct link *to, uint32_t i)
{
    const uint64_t one = 1;

    (void)i;
    return write(to->event, &one, sizeof one) != sizeof one;
}

static int event_receive(struct link *from, uint32_t i)
{
    uint64_t count;

    (void)i;
    return read(from->event, &count, sizeof count) != sizeof count;
}

static int pipe_send(struct link *to, uint32_t i)
{
    char data[PAYLOAD] = {(char)i};

    return write(to->pipe[1], data, sizeof data) != sizeof data;
}

static int pipe_receive(struct link *from, uint32_t i)
{
    char data[PAYLOAD];

    (void)i;
    return read(from->pipe[0], data, sizeof data) != sizeof data;
}

static int channel_send(struct link *to, uint32_t i)
{
    char data[PAYLOAD] = {(char)i};

    return ipc_channel_write(to->channel, data, sizeof data).ipc_status !=
           IPC_OK;
}

static int channel_receive(struct link *from, uint32_t i)
{
    char data[PAYLOAD];
    IpcEntry entry = {.payload = data, .size = sizeof data};
    IpcStatus status =
        ipc_channel_read_into_with_timeout(from->channel, &entry, NULL)
            .ipc_status;

    return status != IPC_OK || data[0] != (char)i;
}

static struct method methods[] = {
    {.name = "bare futex", .send = futex_send, .receive = futex_receive},
    {.name = "bare eventfd", .send = event_send, .receive = event_receive},
    {.name = "pipe", .send = pipe_send, .receive = pipe_receive},
    {.name = "channel, futex",
     .wait = IPC_WAIT_FUTEX,
     .send = channel_send,
     .receive = channel_receive},
    {.name = "channel, eventfd",
     .wait = IPC_WAIT_EVENTFD,
     .send = channel_send,
     .receive = channel_receive},
    {.name = "channel, io_uring",
     .wait = IPC_WAIT_IO_URING,
     .send = channel_send,
     .receive = channel_receive},
};

enum { METHODS = sizeof methods / sizeof methods[0] };

/* ------------------------------------------------------------------- links */

/* 0; or 1 if this way of waiting is not to be had. */
static int open_link(const struct method *m, struct link *link)
{
    const IpcChannelConfiguration configuration = {
        .max_round_trips = 1,
        .start_sleep_ns = 1000000,
        .max_sleep_ns = 1000000,
        .spin_ns = spin_ns,
        .wait = m->wait,
    };
    IpcChannelResult r;

    link->words = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    link->event = eventfd(0, EFD_CLOEXEC);
    if (link->words == MAP_FAILED || link->event < 0 || pipe(link->pipe) != 0)
        return 1;
    if (m->wait == 0)
        return 0;
    r = ipc_channel_create(link->words, MEMORY, configuration);
    if (IpcChannelResult_is_error(r))
        return 1;
    link->channel = r.result;
    return 0;
}

/* The other party makes handles of its own, except where they share
 * descriptors. */
static int join_link(const struct method *m, struct link *link)
{
    const IpcChannelConfiguration configuration = {
        .max_round_trips = 1,
        .start_sleep_ns = 1000000,
        .max_sleep_ns = 1000000,
        .spin_ns = spin_ns,
        .wait = m->wait,
    };
    IpcChannelConnectResult r;

    if (m->wait == 0 || m->wait == IPC_WAIT_EVENTFD)
        return 0;
    r = ipc_channel_connect(link->words, configuration);
    if (IpcChannelConnectResult_is_error(r))
        return 1;
    link->channel = r.result;
    return 0;
}

static void close_link(struct link *link)
{
    if (link->channel)
        ipc_channel_destroy(link->channel);
    munmap(link->words, MEMORY);
    close(link->event);
    close(link->pipe[0]);
    close(link->pipe[1]);
}

static void use_cpu(int cpu)
{
    cpu_set_t set;

    if (cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

/* --------------------------------------------------------------- measuring */

static void think(void)
{
    int64_t until = now() + think_ns;

    while (think_ns && now() < until)
        continue;
}

static int answer(const struct method *m, struct link *links)
{
    use_cpu(cpus[1]);
    for (int i = 0; i < 2; i++)
        if (join_link(m, &links[i]) != 0)
            return 1;
    for (uint32_t i = 0; i < trips + WARM_UP; i++) {
        if (m->receive(&links[0], i) != 0)
            return 1;
        think();
        if (m->send(&links[1], i) != 0)
            return 1;
    }
    return 0;
}

static int ask(const struct method *m, struct link *links, int64_t *times)
{
    use_cpu(cpus[0]);
    for (uint32_t i = 0; i < trips + WARM_UP; i++) {
        int64_t start = now();

        if (m->send(&links[0], i) != 0 || m->receive(&links[1], i) != 0)
            return 1;
        if (i >= WARM_UP)
            times[i - WARM_UP] = now() - start;
    }
    return 0;
}

static int compare_times(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double half_at(const int64_t *times, double share)
{
    return (double)times[(size_t)((double)(trips - 1) * share)] / 2000;
}

static int run(struct method *m, int64_t *times)
{
    struct link links[2] = {{0}, {0}};
    int bad = 0;
    int status;
    pid_t other;

    for (int i = 0; i < 2; i++)
        if (open_link(m, &links[i]) != 0)
            return 0; /* not to be had: reported as missing */
    other = fork();
    if (other == 0)
        _exit(answer(m, links));
    bad = other < 0 || ask(m, links, times) != 0;
    if (other > 0 && waitpid(other, &status, 0) == other)
        bad |= status != 0;
    for (int i = 0; i < 2; i++)
        close_link(&links[i]);
    if (bad)
        return 1;
    qsort(times, trips, sizeof *times, compare_times);
    m->p50[m->rounds] = half_at(times, 0.5);
    m->p99[m->rounds] = half_at(times, 0.99);
    m->p999[m->rounds] = half_at(times, 0.999);
    m->rounds++;
    return 0;
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return values[count / 2];
}

static void print_row(struct method *m, double bare, int json, int last)
{
    double p50, p99, p999;

    if (m->rounds == 0) {
        if (!json)
            printf("%-18s  not to be had here\n", m->name);
        return;
    }
    p50 = median(m->p50, m->rounds);
    p99 = median(m->p99, m->rounds);
    p999 = median(m->p999, m->rounds);
    if (json)
        printf("  {\"name\": \"%s\", \"p50_us\": %.3f, \"p99_us\": %.3f, "
               "\"p999_us\": %.3f, \"ratio\": %.3f}%s\n",
               m->name, p50, p99, p999, p50 / bare, last ? "" : ",");
    else
        printf("%-18s %8.2f %8.2f %8.2f   %5.2f\n", m->name, p50, p99, p999,
               p50 / bare);
}

static void print_all(int json)
{
    double bare = median(methods[0].p50, methods[0].rounds);

    if (json)
        printf("[\n");
    else
        printf("CPUs %d and %d, us one way, median of %d rounds of %u\n"
               "%-18s %8s %8s %8s   %s\n",
               cpus[0], cpus[1], methods[0].rounds, trips, "", "p50", "p99",
               "p99.9", "p50 / bare futex");
    for (int i = 0; i < METHODS; i++)
        print_row(&methods[i], bare, json, i == METHODS - 1);
    if (json)
        printf("]\n");
}

int main(int argc, char **argv)
{
    int rounds = 5, json = 0, option;
    int64_t *times;

    while ((option = getopt(argc, argv, "c:n:r:js:t:")) != -1) {
        if (option == 'c' && sscanf(optarg, "%d,%d", &cpus[0], &cpus[1]) == 2)
            continue;
        else if (option == 'n')
            trips = (uint32_t)atoi(optarg);
        else if (option == 'r')
            rounds = atoi(optarg);
        else if (option == 's')
            spin_ns = (uint32_t)atoi(optarg);
        else if (option == 't')
            think_ns = (uint32_t)atoi(optarg);
        else if (option == 'j')
            json = 1;
        else
            return 2;
    }
    if (rounds < 1 || rounds > MAX_ROUNDS || trips < 1)
        return 2;
    times = calloc(trips, sizeof *times);
    if (!times)
        return 2;
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < METHODS; i++)
            if (run(&methods[i], times) != 0) {
                fprintf(stderr, "%s failed\n", methods[i].name);
                return 1;
            }
    print_all(json);
    free(times);
    return 0;
}
