/* SPDX-License-Identifier: MIT */
/*
 * Two bridges with a channel at each end, beside what carries them by itself:
 * a DEALER and a ROUTER, in two processes, over the loopback. Both in turn, in
 * one run.
 *
 *     shmipc-bench-bridge SHMIPC_BRIDGE [-r ROUNDS] [-s SECONDS] [-l MESSAGES]
 *
 * Throughput is what arrives per second, over SECONDS after the first message.
 * One-way latency is of messages that go out a millisecond apart, from before
 * they are written to after they are read, on the same clock.
 */
#include <errno.h>
#include <inttypes.h>
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { ROUNDS_MAX = 15, SIZE_MAX_ = 65536, PORT = 17070, GAP_NS = 1000000 };

/* What the receiver of a run tells. */
struct outcome {
    double per_second;
    double median_us, p99_us;
};

struct plan {
    const char *bridge; /* the program */
    int rounds;
    double seconds;
    int messages; /* for latency */
};

/* One way of getting a message across. */
struct way {
    const char *name;
    bool (*open)(struct way *, bool sends);
    bool (*send)(struct way *, const void *data, size_t size);
    /* False: nothing came within a second. */
    bool (*receive)(struct way *, void *data, size_t size);
    void *context, *socket;
    IpcChannel *channel;
};

static unsigned char data[SIZE_MAX_];
static char near_name[64], far_name[64], address[64];

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* ------------------------------------------------------------------- ZeroMQ */

static bool raw_open(struct way *w, bool sends)
{
    int patience = 1000, linger = 0;

    w->context = zmq_ctx_new();
    w->socket = zmq_socket(w->context, sends ? ZMQ_DEALER : ZMQ_ROUTER);
    zmq_setsockopt(w->socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(w->socket, ZMQ_SNDTIMEO, &patience, sizeof patience);
    zmq_setsockopt(w->socket, ZMQ_LINGER, &linger, sizeof linger);
    return (sends ? zmq_connect(w->socket, address)
                  : zmq_bind(w->socket, address)) == 0;
}

static bool raw_send(struct way *w, const void *bytes, size_t size)
{
    return zmq_send(w->socket, bytes, size, 0) >= 0;
}

static bool raw_receive(struct way *w, void *bytes, size_t size)
{
    unsigned char who[256];

    return zmq_recv(w->socket, who, sizeof who, 0) >= 0 &&
           zmq_recv(w->socket, bytes, size, 0) == (int)size;
}

/* ------------------------------------------------------------------ bridges */

static bool bridged_open(struct way *w, bool sends)
{
    const IpcOpenOptions options = {.struct_size = sizeof options,
                                    .flags = IPC_OPEN_CONNECT_ONLY};
    IpcChannelOpenResult r =
        ipc_channel_open(sends ? near_name : far_name, &options);

    w->channel = r.result;
    return r.ipc_status == IPC_OK;
}

static bool bridged_send(struct way *w, const void *bytes, size_t size)
{
    const struct timespec patience = {1, 0};

    return ipc_channel_write_with_timeout(w->channel, bytes, size, &patience)
               .ipc_status == IPC_OK;
}

static bool bridged_receive(struct way *w, void *bytes, size_t size)
{
    const struct timespec patience = {1, 0};
    IpcEntry entry = {0, bytes, size};

    return ipc_channel_read_into_with_timeout(w->channel, &entry, &patience)
               .ipc_status == IPC_OK;
}

static pid_t start(const char *bridge, const char *direction, const char *a,
                   const char *b)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        execl(bridge, bridge, direction, "--size=4M", a, b, (char *)NULL);
        _exit(1);
    }
    return pid;
}

/* --------------------------------------------------------------------- runs */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void receive_stream(struct way *w, size_t size, double seconds,
                           struct outcome *to)
{
    uint64_t begin = 0, count = 0, end = 0;
    static unsigned char bytes[SIZE_MAX_];

    while (w->receive(w, bytes, size)) {
        if (count++ == 0)
            begin = now();
        if (count % 64 == 0 &&
            (end = now()) - begin > (uint64_t)(seconds * 1e9))
            break;
    }
    to->per_second =
        end > begin ? (double)count * 1e9 / (double)(end - begin) : 0;
}

static void receive_paced(struct way *w, size_t size, int messages,
                          struct outcome *to)
{
    double *all = calloc((size_t)messages, sizeof *all);
    static unsigned char bytes[SIZE_MAX_];
    int count = 0;
    uint64_t sent;

    while (all && count < messages && w->receive(w, bytes, size)) {
        memcpy(&sent, bytes, sizeof sent);
        all[count++] = (double)(now() - sent) / 1e3;
    }
    if (count > 0) {
        qsort(all, (size_t)count, sizeof *all, compare);
        to->median_us = all[count / 2];
        to->p99_us = all[count * 99 / 100];
    }
    free(all);
}

static void send_paced(struct way *w, size_t size, int messages)
{
    const struct timespec gap = {0, GAP_NS};

    for (int i = 0; i < messages; i++) {
        uint64_t at = now();

        memcpy(data, &at, sizeof at);
        if (!w->send(w, data, size))
            return;
        nanosleep(&gap, NULL);
    }
}

/* The receiver is a process, and so is the sender, which is killed at the
 * end. */
static struct outcome run(const struct plan *p, struct way way, size_t size,
                          bool is_paced)
{
    struct outcome *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct outcome outcome;
    pid_t receiver = fork(), sender;

    if (receiver == 0) {
        if (way.open(&way, false) && is_paced)
            receive_paced(&way, size, p->messages, told);
        else
            receive_stream(&way, size, p->seconds, told);
        _exit(0);
    }
    sender = fork();
    if (sender == 0) {
        if (way.open(&way, true) && is_paced)
            send_paced(&way, size, p->messages);
        else
            while (way.send(&way, data, size))
                ;
        pause();
    }
    waitpid(receiver, NULL, 0);
    kill(sender, SIGKILL);
    waitpid(sender, NULL, 0);
    outcome = *told;
    munmap(told, sizeof *told);
    return outcome;
}

static struct outcome run_bridged(const struct plan *p, struct way way,
                                  size_t size, bool is_paced)
{
    const struct timespec turn = {0, 500000000};
    struct outcome outcome;
    pid_t here, there;
    char note[80];

    snprintf(near_name, sizeof near_name, "/bench-near-%d", getpid());
    snprintf(far_name, sizeof far_name, "/bench-far-%d", getpid());
    there = start(p->bridge, "in", address, far_name);
    here = start(p->bridge, "out", near_name, address);
    nanosleep(&turn, NULL);
    outcome = run(p, way, size, is_paced);
    kill(here, SIGKILL);
    kill(there, SIGKILL);
    waitpid(here, NULL, 0);
    waitpid(there, NULL, 0);
    ipc_channel_unlink(near_name);
    ipc_channel_unlink(far_name);
    snprintf(note, sizeof note, "/dev/shm%s.bridge", far_name);
    unlink(note);
    return outcome;
}

/* ------------------------------------------------------------------- report */

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

static int race(const struct plan *p, size_t size, bool is_paced)
{
    const struct way raw = {"ZeroMQ", raw_open, raw_send, raw_receive,
                            NULL,     NULL,     NULL};
    const struct way ours = {
        "bridge", bridged_open, bridged_send, bridged_receive,
        NULL,     NULL,         NULL};
    double a[ROUNDS_MAX], b[ROUNDS_MAX], ratios[ROUNDS_MAX];

    for (int i = 0; i < p->rounds; i++) {
        struct outcome x = run(p, raw, size, is_paced);
        struct outcome y = run_bridged(p, ours, size, is_paced);

        a[i] = is_paced ? x.median_us : x.per_second;
        b[i] = is_paced ? y.median_us : y.per_second;
        if (a[i] <= 0 || b[i] <= 0) {
            printf("%zu bytes: nothing came\n", size);
            return 1;
        }
        ratios[i] = b[i] / a[i];
    }
    printf("%6zu  %-22s %12.1f %12.1f   %.2f\n", size,
           is_paced ? "one-way latency, us" : "messages per second",
           median(a, p->rounds), median(b, p->rounds),
           median(ratios, p->rounds));
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {64, 1024, 65536};
    struct plan p = {NULL, 5, 1.0, 1000};
    int option, failed = 0;

    while ((option = getopt(argc, argv, "r:s:l:")) != -1) {
        if (option == 'r')
            p.rounds = atoi(optarg);
        else if (option == 's')
            p.seconds = atof(optarg);
        else if (option == 'l')
            p.messages = atoi(optarg);
        else
            return 2;
    }
    p.bridge = argv[optind];
    if (!p.bridge || p.rounds < 1 || p.rounds > ROUNDS_MAX || p.messages < 1)
        return 2;
    snprintf(address, sizeof address, "tcp://127.0.0.1:%d",
             PORT + getpid() % 1000);
    printf("%6s  %-22s %12s %12s   %s\n", "bytes", "", "ZeroMQ", "bridge",
           "ratio, median");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        failed |= race(&p, sizes[i], false);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        failed |= race(&p, sizes[i], true);
    return failed;
}
