/* SPDX-License-Identifier: MIT */
/*
 * Two bridges with a channel at each end, beside what carries them by itself:
 * a DEALER and a ROUTER, in two processes, over the loopback. All in turn, in
 * one run; more than one program, to compare what was before with what is now.
 *
 *     shmipc-bench-bridge [OPTION]... SHMIPC_BRIDGE...
 *
 *     -r ROUNDS    how often each figure is taken (5)
 *     -s SECONDS   how long throughput is measured, after the first message (1)
 *     -l MESSAGES  how many of them latency is of (1000)
 *     -z BYTES     messages of that size only
 *     -w WHAT      "stream" or "paced" only
 *     -c CREATE    makes near channels for many readers ("many") or for
 *                  subscribers ("broadcast") instead of for one consumer
 *
 * Throughput is what arrives per second. One-way latency is of messages that go
 * out a millisecond apart, from before they are written to after they are read,
 * on the same clock; beside it stand how often a thread of the near and of the
 * far bridge slept for each message, and what a channel by itself takes. That
 * is one wake-up, of which a bridge adds two to those of ZeroMQ: so what these
 * three make together is what can be reached.
 */
#include <dirent.h>
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

enum {
    ROUNDS_MAX = 15,
    PROGRAMS_MAX = 4,
    SIZE_MAX_ = 65536,
    PORT = 17070,
    GAP_NS = 1000000,
    CHANNEL = 4 << 20,
};

/* What the receiver of a run tells. */
struct outcome {
    double per_second;
    double median_us, p99_us;
    double near_sleeps, far_sleeps; /* for each message */
};

struct plan {
    char **programs;
    int program_count, rounds;
    double seconds;
    int messages; /* for latency */
    size_t size;  /* 0: all */
    const char *what, *create;
};

/* One way of getting a message across. */
struct way {
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

static void make_near(const struct plan *p)
{
    IpcOpenOptions options = {.struct_size = sizeof options, .size = CHANNEL};
    IpcChannelOpenResult r;

    if (!p->create)
        return;
    if (strcmp(p->create, "broadcast") == 0) {
        options.configuration.flags = IPC_BUFFER_BROADCAST;
        options.configuration.max_subscribers = 4;
    }
    r = ipc_channel_open(near_name, &options);
    if (r.ipc_status == IPC_OK)
        ipc_channel_destroy(r.result);
    else
        fprintf(stderr, "%s: %s\n", near_name, r.error.detail);
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

/* A channel that is both ends. */
static struct outcome run_alone(const struct plan *p, struct way way,
                                size_t size)
{
    const IpcOpenOptions options = {.struct_size = sizeof options,
                                    .size = CHANNEL,
                                    .configuration.flags =
                                        IPC_BUFFER_ONE_CONSUMER |
                                        IPC_BUFFER_ONE_PRODUCER};
    IpcChannelOpenResult r;
    struct outcome outcome;

    snprintf(near_name, sizeof near_name, "/bench-alone-%d", getpid());
    strcpy(far_name, near_name);
    r = ipc_channel_open(near_name, &options);
    if (r.ipc_status != IPC_OK)
        return (struct outcome){0};
    ipc_channel_destroy(r.result);
    outcome = run(p, way, size, true);
    ipc_channel_unlink(near_name);
    return outcome;
}

/* How often all threads of a process have gone to sleep. */
static double sleeps_of(pid_t pid)
{
    char path[300], line[128];
    long number, sum = 0;
    struct dirent *e;
    DIR *tasks;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    while (tasks && (e = readdir(tasks))) {
        FILE *file;

        snprintf(path, sizeof path, "/proc/%d/task/%.16s/status", (int)pid,
                 e->d_name);
        file = fopen(path, "re");
        while (file && fgets(line, sizeof line, file))
            if (sscanf(line, "voluntary_ctxt_switches: %ld", &number) == 1)
                sum += number;
        if (file)
            fclose(file);
    }
    if (tasks)
        closedir(tasks);
    return (double)sum;
}

static struct outcome run_bridged(const struct plan *p, const char *program,
                                  struct way way, size_t size, bool is_paced)
{
    const struct timespec turn = {0, 500000000};
    struct outcome outcome;
    double near_before, far_before;
    pid_t here, there;
    char note[80];

    snprintf(near_name, sizeof near_name, "/bench-near-%d", getpid());
    snprintf(far_name, sizeof far_name, "/bench-far-%d", getpid());
    make_near(p);
    there = start(program, "in", address, far_name);
    here = start(program, "out", near_name, address);
    nanosleep(&turn, NULL);
    near_before = sleeps_of(here);
    far_before = sleeps_of(there);
    outcome = run(p, way, size, is_paced);
    outcome.near_sleeps = (sleeps_of(here) - near_before) / p->messages;
    outcome.far_sleeps = (sleeps_of(there) - far_before) / p->messages;
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

/* Of one program, by round. */
struct figures {
    double value[ROUNDS_MAX], ratio[ROUNDS_MAX];
    double near_sleeps[ROUNDS_MAX], far_sleeps[ROUNDS_MAX];
};

static void report(const struct plan *p, const char *program, struct figures *f,
                   double raw, double alone, size_t size, bool is_paced)
{
    printf("%6zu  %-20s %12.1f %12.1f  %5.2f", size,
           is_paced ? "one-way latency, us" : "messages per second", raw,
           median(f->value, p->rounds), median(f->ratio, p->rounds));
    if (is_paced)
        printf("  %5.1f %5.1f  %7.1f", median(f->near_sleeps, p->rounds),
               median(f->far_sleeps, p->rounds), alone);
    else
        printf("  %20s", "");
    printf("  %s\n", p->program_count > 1 ? program : "");
    fflush(stdout);
}

static double figure_of(const struct outcome *o, bool is_paced)
{
    return is_paced ? o->median_us : o->per_second;
}

static int race(const struct plan *p, size_t size, bool is_paced)
{
    static const struct way raw = {
        .open = raw_open, .send = raw_send, .receive = raw_receive};
    static const struct way ours = {
        .open = bridged_open, .send = bridged_send, .receive = bridged_receive};
    static struct figures of[PROGRAMS_MAX];
    double raws[ROUNDS_MAX], alone[ROUNDS_MAX];

    for (int i = 0; i < p->rounds; i++) {
        struct outcome o = run(p, raw, size, is_paced);

        raws[i] = figure_of(&o, is_paced);
        alone[i] = is_paced ? run_alone(p, ours, size).median_us : 0;
        for (int k = 0; k < p->program_count; k++) {
            o = run_bridged(p, p->programs[k], ours, size, is_paced);
            of[k].value[i] = figure_of(&o, is_paced);
            of[k].ratio[i] = of[k].value[i] / raws[i];
            of[k].near_sleeps[i] = o.near_sleeps;
            of[k].far_sleeps[i] = o.far_sleeps;
            if (raws[i] <= 0 || of[k].value[i] <= 0) {
                printf("%zu bytes: nothing came\n", size);
                return 1;
            }
        }
    }
    for (int k = 0; k < p->program_count; k++)
        report(p, p->programs[k], &of[k], median(raws, p->rounds),
               median(alone, p->rounds), size, is_paced);
    return 0;
}

static int race_all(const struct plan *p)
{
    static const size_t sizes[] = {64, 1024, 65536};
    int failed = 0;

    printf("%6s  %-20s %12s %12s  %5s  %11s  %7s\n", "bytes", "", "ZeroMQ",
           "bridge", "ratio", "sleeps, n/f", "channel");
    for (int is_paced = 0; is_paced < 2; is_paced++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            if ((!p->size || p->size == sizes[i]) &&
                (!p->what || (*p->what == 'p') == is_paced))
                failed |= race(p, sizes[i], is_paced);
    return failed;
}

int main(int argc, char **argv)
{
    struct plan p = {.rounds = 5, .seconds = 1.0, .messages = 1000};
    int option;

    while ((option = getopt(argc, argv, "r:s:l:z:w:c:")) != -1) {
        if (option == 'r')
            p.rounds = atoi(optarg);
        else if (option == 's')
            p.seconds = atof(optarg);
        else if (option == 'l')
            p.messages = atoi(optarg);
        else if (option == 'z')
            p.size = strtoul(optarg, NULL, 10);
        else if (option == 'w')
            p.what = optarg;
        else if (option == 'c')
            p.create = optarg;
        else
            return 2;
    }
    p.programs = argv + optind;
    p.program_count = argc - optind;
    if (p.program_count < 1 || p.program_count > PROGRAMS_MAX || p.rounds < 1 ||
        p.rounds > ROUNDS_MAX || p.messages < 1)
        return 2;
    snprintf(address, sizeof address, "tcp://127.0.0.1:%d",
             PORT + getpid() % 1000);
    return race_all(&p);
}
