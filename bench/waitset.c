/* SPDX-License-Identifier: MIT */
/*
 * What it costs to wait for many channels:
 *
 *     shmipc-bench-waitset [-r rounds] [-t trips] [-s seconds of idleness]
 *
 * One process writes a message into one of N channels at random and waits for
 * the answer; the other waits for all N by a waitset, reads and answers. Both
 * are on one CPU and asleep in between. Each round runs all N in turn; the
 * figure is the CPU time of both processes for each message, since a busy
 * machine takes none of that, and the ratio is the median of the rounds' own
 * ratios to the set of one channel. "blocked" is a reader that blocks on a
 * channel without a set. The second table is of a process to which io_uring is
 * forbidden, as to those in most containers, the third of idle sets.
 */
#include <shmipc/shmipc.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 31, CHANNELS_MAX = 1000, CAPACITY = 1024, BLOCKED = 0 };

static const int sizes[] = {1, BLOCKED, 2, 8, 128, CHANNELS_MAX};

enum { SIZES = sizeof sizes / sizeof sizes[0] };

static const IpcChannelConfiguration configuration = {
    .max_round_trips = 1,
    .start_sleep_ns = 1000000,
    .max_sleep_ns = 1000000,
    .spin_ns = IPC_CHANNEL_NO_SPIN,
};

static IpcChannel *channels[CHANNELS_MAX + 1]; /* the last one: answers */
static int rounds = 7;
static long trips = 20000;
static double seconds = 5;

struct cost {
    double cpu_us, wall_us;
};

static void need(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s failed\n", what);
    _exit(1);
}

static double now_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void make_channels(void)
{
    size_t size = ipc_channel_align_size(CAPACITY);

    for (int i = 0; i <= CHANNELS_MAX; i++) {
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        IpcChannelResult r;

        need(memory != MAP_FAILED, "mmap");
        r = ipc_channel_create(memory, size, configuration);
        need(IpcChannelResult_is_ok(r), "create");
        channels[i] = r.result;
    }
}

static IpcWaitSet *make_set(int count)
{
    IpcWaitSetCreateResult r = ipc_waitset_create();

    need(IpcWaitSetCreateResult_is_ok(r), "create");
    for (int i = 0; i < count; i++)
        need(IpcWaitSetAddResult_is_ok(
                 ipc_waitset_add(r.result, channels[i], NULL)),
             "add");
    return r.result;
}

/* ------------------------------------------------------------ a ping-pong */

static IpcChannel *next_of(IpcWaitSet *set)
{
    IpcWaitSetReady ready;
    IpcWaitSetWaitResult r;

    if (!set)
        return channels[0];
    r = ipc_waitset_wait(set, &ready, 1, NULL);
    need(r.ipc_status == IPC_OK && ready.status == IPC_OK, "wait");
    return ready.channel;
}

static void be_reader(int count)
{
    IpcWaitSet *set = count == BLOCKED ? NULL : make_set(count);

    for (long i = 0; i < trips;) {
        IpcChannel *channel = next_of(set);
        long got;
        IpcEntry entry = {.payload = &got, .size = sizeof got};
        IpcStatus status =
            set ? ipc_channel_try_read_into(channel, &entry).ipc_status
                : ipc_channel_read_into_with_timeout(channel, &entry, NULL)
                      .ipc_status;

        if (status == IPC_EMPTY)
            continue;
        need(status == IPC_OK && got == i, "read");
        need(ipc_channel_write(channels[CHANNELS_MAX], &i, sizeof i)
                     .ipc_status == IPC_OK,
             "write");
        i++;
    }
}

static void be_writer(int count)
{
    unsigned seed = 1;

    for (long i = 0; i < trips; i++) {
        long got;
        IpcEntry entry = {.payload = &got, .size = sizeof got};
        int at = count > 1 ? rand_r(&seed) % count : 0;

        need(ipc_channel_write(channels[at], &i, sizeof i).ipc_status == IPC_OK,
             "write");
        need(ipc_channel_read_into_with_timeout(channels[CHANNELS_MAX], &entry,
                                                NULL)
                     .ipc_status == IPC_OK,
             "read");
    }
}

static void pin(void)
{
    cpu_set_t usable, one;

    CPU_ZERO(&usable);
    CPU_ZERO(&one);
    need(sched_getaffinity(0, sizeof usable, &usable) == 0, "affinity");
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &usable)) {
            CPU_SET(i, &one);
            break;
        }
    need(sched_setaffinity(0, sizeof one, &one) == 0, "affinity");
}

/* In a process of its own; making channels and sets is in it for both. */
static struct cost measure(int count)
{
    struct cost *cost = mmap(NULL, sizeof *cost, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct cost result;
    int status;
    pid_t run;

    need(cost != MAP_FAILED, "mmap");
    run = fork();
    if (run == 0) {
        struct rusage all;
        double start;
        pid_t reader;

        pin();
        make_channels();
        start = now_us(CLOCK_MONOTONIC);
        reader = fork();
        if (reader == 0) {
            be_reader(count);
            _exit(0);
        }
        if (fork() == 0) {
            be_writer(count);
            _exit(0);
        }
        for (int i = 0; i < 2; i++) {
            need(wait(&status) > 0 && status == 0, "a party");
        }
        cost->wall_us = (now_us(CLOCK_MONOTONIC) - start) / (double)trips;
        getrusage(RUSAGE_CHILDREN, &all);
        cost->cpu_us =
            ((double)(all.ru_utime.tv_sec + all.ru_stime.tv_sec) * 1e6 +
             (double)(all.ru_utime.tv_usec + all.ru_stime.tv_usec)) /
            (double)trips;
        _exit(0);
    }
    need(waitpid(run, &status, 0) == run && status == 0, "a run");
    result = *cost;
    munmap(cost, sizeof *cost);
    return result;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(const double *values)
{
    double sorted[ROUNDS_MAX];

    for (int i = 0; i < rounds; i++)
        sorted[i] = values[i];
    qsort(sorted, (size_t)rounds, sizeof sorted[0], ascending);
    return sorted[rounds / 2];
}

static void compare(const char *title)
{
    double cpu[SIZES][ROUNDS_MAX], wall[SIZES][ROUNDS_MAX];
    double ratio[SIZES][ROUNDS_MAX];

    for (int r = 0; r < rounds; r++)
        for (int s = 0; s < SIZES; s++) {
            struct cost cost = measure(sizes[s]);

            cpu[s][r] = cost.cpu_us;
            wall[s][r] = cost.wall_us;
            ratio[s][r] = cost.cpu_us / cpu[0][r];
        }
    printf("%s\n  %-10s %12s %12s %10s\n", title, "channels", "CPU us/msg",
           "wall us/msg", "to one");
    for (int s = 0; s < SIZES; s++) {
        char name[16];

        snprintf(name, sizeof name, "%d", sizes[s]);
        printf("  %-10s %12.2f %12.2f %10.2f\n",
               sizes[s] == BLOCKED ? "blocked" : name, median(cpu[s]),
               median(wall[s]), median(ratio[s]));
    }
}

/* ---------------------------------------------------------------- idleness */

static void be_idle(int count, bool descriptor)
{
    const struct timespec first = {.tv_nsec = 500000000};
    const struct timespec time = {
        .tv_sec = (time_t)seconds,
        .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    IpcWaitSet *set = make_set(count);
    struct rusage before, after;
    IpcWaitSetReady ready;
    IpcWaitSetWaitResult r;

    if (descriptor)
        need(IpcWaitSetFdResult_is_ok(ipc_waitset_fd(set)), "fd");
    r = ipc_waitset_wait(set, &ready, 1, &first);
    need(r.ipc_status == IPC_ERR_TIMEOUT, "wait");
    getrusage(RUSAGE_SELF, &before);
    if (descriptor) /* as who sleeps in a loop of its own */
        clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
    else
        need(ipc_waitset_wait(set, &ready, 1, &time).ipc_status ==
                 IPC_ERR_TIMEOUT,
             "wait");
    getrusage(RUSAGE_SELF, &after);
    printf("  %-10d %12.1f %12.3f%%  %s\n", count,
           (double)(after.ru_nvcsw - before.ru_nvcsw) / seconds,
           ((double)(after.ru_utime.tv_sec + after.ru_stime.tv_sec -
                     before.ru_utime.tv_sec - before.ru_stime.tv_sec) *
                1e6 +
            (double)(after.ru_utime.tv_usec + after.ru_stime.tv_usec -
                     before.ru_utime.tv_usec - before.ru_stime.tv_usec)) /
               (seconds * 1e4),
           descriptor ? "with the descriptor" : "");
    fflush(stdout);
}

static void idle(const char *title)
{
    static const int counts[] = {1, 128, CHANNELS_MAX, CHANNELS_MAX};

    printf("%s\n  %-10s %12s %13s\n", title, "channels", "wake-ups/s", "CPU");
    for (int i = 0; i < 4; i++) {
        pid_t child;
        int status;

        fflush(stdout);
        child = fork();
        if (child == 0) {
            make_channels();
            be_idle(counts[i], i == 3);
            _exit(0);
        }
        need(waitpid(child, &status, 0) == child && status == 0, "a run");
    }
}

/* -------------------------------------------------------------------- main */

/* Everything else is allowed, whatever the machine. */
static void forbid_io_uring(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};

    need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
             prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0,
         "seccomp");
}

int main(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "r:t:s:")) != -1) {
        if (option == 'r')
            rounds = atoi(optarg);
        else if (option == 't')
            trips = atol(optarg);
        else if (option == 's')
            seconds = atof(optarg);
        else
            return 2;
    }
    if (rounds < 1 || rounds > ROUNDS_MAX || trips < 1 || seconds <= 0)
        return 2;
    compare("One message at a time, both parties on one CPU");
    idle("Idle sets");
    forbid_io_uring();
    trips = trips / 4 + 1;
    compare("The same where io_uring is forbidden");
    idle("Idle sets there");
    return 0;
}
