/* SPDX-License-Identifier: MIT */
/*
 * What a call to a service costs:
 *
 *     shmipc-bench-service [-r rounds] [-t trips] [-s]
 *
 * polling   the two processes are on two CPUs and never sleep. A call against
 *           a one-way message, which is half of a ping-pong over two channels.
 *           The figure is wall time of the best of many short runs: what comes
 *           between on a busy machine is not ours.
 * sleeping  both are on one CPU, and asleep in between. A call against two
 *           wakes of a bare futex, and two messages. The figure is CPU time of
 *           both processes, since a busy machine takes none of that.
 * watched   the same by IPC_WAIT_WATCHED, with a thread more in each process.
 *
 * With -s nothing polls. Each round runs all in turn; the ratio is the median
 * of the rounds' own.
 */
#include <shmipc/shmipc.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 101, PIECES = 50, BYTES = 32, CAPACITY = 65536 };

static int rounds = 15;
static long trips = 20000;
static bool sleeps;
static bool polls = true;
static uint32_t wait_by; /* an IpcWait */
static char name[64];
static IpcChannel *there, *back;

/* The bare primitive's: a line each. */
static struct bells {
    _Alignas(64) int ball;
    _Alignas(64) int answer;
} * bells;

static void need(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s failed\n", what);
    _exit(1);
}

static double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double cpu_us(int whose)
{
    struct rusage used;

    getrusage(whose, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* The party with that number: both on one CPU if they sleep. */
static void settle(int party)
{
    cpu_set_t usable, one;
    size_t cpus[2] = {0, 0};
    int found = 0;

    sched_getaffinity(0, sizeof usable, &usable);
    for (size_t i = 0; i < CPU_SETSIZE && found < 2; i++)
        if (CPU_ISSET(i, &usable))
            cpus[found++] = i;
    CPU_ZERO(&one);
    CPU_SET(cpus[found == 2 && !sleeps ? party : 0], &one);
    sched_setaffinity(0, sizeof one, &one);
}

/* Nobody who polls ever sleeps. */
static uint32_t spin_ns(void)
{
    return sleeps ? IPC_CHANNEL_NO_SPIN : INT_MAX;
}

/* ------------------------------------------------------ what is compared */

static void write_to(IpcChannel *channel, const void *data)
{
    need(ipc_channel_write_blocking(channel, data, BYTES).ipc_status == IPC_OK,
         "write");
}

static void read_from(IpcChannel *channel, void *to)
{
    IpcEntry entry = {.payload = to, .size = BYTES};

    need(ipc_channel_read_into_blocking(channel, &entry).ipc_status == IPC_OK,
         "read");
}

static IpcChannel *make_channel(void)
{
    IpcChannelConfiguration configuration = IPC_CHANNEL_DEFAULTS;
    size_t size = ipc_channel_align_size(CAPACITY);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    IpcChannelResult r;

    need(memory != MAP_FAILED, "mmap");
    configuration.flags = IPC_BUFFER_ONE_CONSUMER;
    configuration.spin_ns = spin_ns();
    configuration.wait = wait_by;
    r = ipc_channel_create(memory, size, configuration);
    need(r.ipc_status == IPC_OK, "create");
    return r.result;
}

static void prepare_channels(void)
{
    there = make_channel();
    back = make_channel();
}

static void echo_channels(long count)
{
    char data[BYTES];

    for (long i = 0; i < count; i++) {
        read_from(there, data);
        write_to(back, data);
    }
}

static void use_channels(long count)
{
    char data[BYTES] = "";

    for (long i = 0; i < count; i++) {
        write_to(there, data);
        read_from(back, data);
    }
}

static IpcClient *client;

static void prepare_service(void)
{
}

static void echo_service(long count)
{
    const IpcServiceOptions options = {
        .struct_size = sizeof options, .wait = wait_by, .spin_ns = spin_ns()};
    IpcServiceOpenResult service = ipc_service_open(name, &options);

    need(service.ipc_status == IPC_OK, "open");
    for (long i = 0; i < count; i++) {
        IpcServiceReceiveResult r = ipc_service_receive(service.result, NULL);

        need(r.ipc_status == IPC_OK, "receive");
        need(ipc_service_answer(service.result, r.result, r.result->payload,
                                r.result->size)
                     .ipc_status == IPC_OK,
             "answer");
    }
    ipc_service_destroy(service.result);
}

static void use_service(long count)
{
    const IpcClientOptions options = {.struct_size = sizeof options,
                                      .timeout_ns = 10000000000U,
                                      .wait = wait_by,
                                      .spin_ns = spin_ns()};
    char data[BYTES] = "";

    if (!client) {
        IpcClientOpenResult r = ipc_client_open(name, &options);

        need(r.ipc_status == IPC_OK, "open");
        client = r.result;
    }
    for (long i = 0; i < count; i++) {
        IpcAnswer answer = {.payload = data, .size = sizeof data};

        need(ipc_client_call(client, data, sizeof data, &answer, NULL)
                     .ipc_status == IPC_OK,
             "call");
    }
}

static void ring_bell(int *bell)
{
    __atomic_store_n(bell, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void wait_for_bell(int *bell)
{
    while (!__atomic_exchange_n(bell, 0, __ATOMIC_ACQUIRE))
        syscall(SYS_futex, bell, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void prepare_bells(void)
{
    bells = mmap(NULL, sizeof *bells, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    need(bells != MAP_FAILED, "mmap");
}

static void echo_bells(long count)
{
    for (long i = 0; i < count; i++) {
        wait_for_bell(&bells->ball);
        ring_bell(&bells->answer);
    }
}

static void use_bells(long count)
{
    for (long i = 0; i < count; i++) {
        ring_bell(&bells->ball);
        wait_for_bell(&bells->answer);
    }
}

static const struct way {
    const char *name;
    void (*prepare)(void);
    void (*echo)(long count);
    void (*use)(long count);
} channels = {"two messages", prepare_channels, echo_channels, use_channels},
  service = {"a call", prepare_service, echo_service, use_service},
  futex = {"two wakes", prepare_bells, echo_bells, use_bells};

/* ------------------------------------------------------------- measuring */

static double user_figure(const struct way *way, long count)
{
    double best = 1e18;

    way->use(count); /* warm */
    if (sleeps) {
        const double before = cpu_us(RUSAGE_SELF);

        way->use(count * PIECES);
        return (cpu_us(RUSAGE_SELF) - before) / (double)(count * PIECES);
    }
    for (int i = 0; i < PIECES; i++) {
        const double before = now_us();
        double each;

        way->use(count);
        each = (now_us() - before) / (double)count;
        if (each < best)
            best = each;
    }
    return best;
}

/* One run, the user in a process of its own as well. us for each trip. */
static double measure(const struct way *way)
{
    const long count = trips / PIECES > 0 ? trips / PIECES : 1;
    double *figure = mmap(NULL, sizeof *figure, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t echo, user;
    double before, echo_us;
    int status;

    need(figure != MAP_FAILED, "mmap");
    way->prepare();
    before = cpu_us(RUSAGE_CHILDREN);
    echo = fork();
    if (echo == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        settle(1);
        way->echo(count * (PIECES + 1));
        _exit(0);
    }
    user = fork();
    if (user == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        settle(0);
        *figure = user_figure(way, count);
        if (client)
            ipc_client_destroy(client);
        _exit(0);
    }
    need(waitpid(echo, &status, 0) == echo && status == 0,
         "the one who echoes");
    echo_us = cpu_us(RUSAGE_CHILDREN) - before;
    need(waitpid(user, &status, 0) == user && status == 0, "the one who asks");
    /* The children's times were one's alone when the other still ran. */
    return *figure + (sleeps ? echo_us / (double)(count * (PIECES + 1)) : 0);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, (size_t)rounds, sizeof *values, compare);
    return values[rounds / 2];
}

/* `share`: how much of `base` the unit is. */
static void report(const char *title, const struct way *base, double share)
{
    static double bare[ROUNDS_MAX], ours[ROUNDS_MAX], ratios[ROUNDS_MAX];

    for (int i = 0; i < rounds; i++) {
        bare[i] = measure(base) * share;
        ours[i] = measure(&service);
        ratios[i] = ours[i] / bare[i];
    }
    printf("%-10s %6.3f us a call, %6.3f us %s; ratio %.2f\n", title,
           median(ours), median(bare), share < 1 ? "one message" : base->name,
           median(ratios));
}

int main(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "r:t:s")) != -1) {
        if (option == 'r')
            rounds = atoi(optarg);
        else if (option == 't')
            trips = atol(optarg);
        else if (option == 's')
            polls = false;
        else
            return 2;
    }
    if (rounds < 1 || rounds > ROUNDS_MAX || trips < 1)
        return 2;
    snprintf(name, sizeof name, "/shmipc-bench-service-%d", (int)getpid());
    if (polls)
        report("polling", &channels, 0.5);
    sleeps = true;
    report("sleeping", &futex, 1);
    report("sleeping", &channels, 1);
    wait_by = IPC_WAIT_WATCHED;
    report("watched", &futex, 1);
    report("watched", &channels, 1);
    return 0;
}
