/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "command.h"
#include "progress.h"
#include <errno.h>
#include <sched.h>
#include <shmipc/ipc_batch.h>
#include <shmipc/ipc_channel.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /* Whoever waits so long waits for somebody who is gone. */
    PATIENCE_S = 10,
    LATENCY_ROOM = 256 << 10,
    FLOW_ROOM = 1 << 20,
    FLOW_MESSAGES_LEAST = 16, /* that fit into the channel */
    LOOKS_PER_REST = 1000,
    LINE_ROUNDS = 1000, /* timed as one */
    LINE_TIMES = 101,
    LINE_LOOKS_MAX = 1000 * 1000 * 1000,
    COPY_BYTES = 64 << 20, /* timed as one */
    COPY_TIMES = 5,
};

static const struct timespec patience = {.tv_sec = PATIENCE_S};

int measure_find_cpus(int cpus[2])
{
    cpu_set_t allowed;
    int found = 0;

    CPU_ZERO(&allowed);
    cpus[0] = cpus[1] = 0;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return 1;
    for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
        if (CPU_ISSET((size_t)cpu, &allowed))
            cpus[found++] = cpu;
    if (found == 1)
        cpus[1] = cpus[0];
    return found;
}

static double median(double *values, size_t count)
{
    /* Few: a sort by insertion. */
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && values[k] < values[k - 1]; k--) {
            double kept = values[k];

            values[k] = values[k - 1];
            values[k - 1] = kept;
        }
    return values[count / 2];
}

/* ------------------------------------------------------- two processes */

static void pin(int cpu)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    /* Where it is denied they run wherever they are put. */
    sched_setaffinity(0, sizeof one, &one);
}

static void *share_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (memory != MAP_FAILED)
        return memory;
    command_complain("cannot map %zu bytes: %s", size, strerror(errno));
    return NULL;
}

/* Runs `there` in a child on the second CPU and `here` on the first one; both
 * say whether it went well. */
static bool run_both(const struct measure *m, bool (*here)(void *),
                     bool (*there)(void *), void *context)
{
    const pid_t parent = getpid();
    cpu_set_t allowed;
    pid_t child;
    int status = 0;
    bool good;

    sched_getaffinity(0, sizeof allowed, &allowed);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        pin(m->cpus[1]);
        _exit(!there(context));
    }
    if (child < 0) {
        command_complain("cannot fork: %s", strerror(errno));
        return false;
    }
    pin(m->cpus[0]);
    good = here(context);
    if (!good)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    sched_setaffinity(0, sizeof allowed, &allowed);
    if (good && status == 0)
        return true;
    command_complain("the two processes of a measurement lost each other");
    return false;
}

/* -------------------------------------------------------------- a line */

struct line {
    _Alignas(128) _Atomic uint64_t turn;
    _Alignas(128) double ns;
};

static bool await_turn(struct line *line, uint64_t turn)
{
    /* Some seconds, without a look at a clock: then the other one is gone. */
    for (uint64_t looks = 0; looks < LINE_LOOKS_MAX; looks++)
        if (atomic_load_explicit(&line->turn, memory_order_acquire) == turn)
            return true;
    return false;
}

static bool bounce_here(void *context)
{
    struct line *line = context;
    double best = 0;
    uint64_t turn = 0;

    for (int i = 0; i < LINE_TIMES; i++) {
        uint64_t began = progress_now();
        double mean;

        for (int k = 0; k < LINE_ROUNDS; k++, turn += 2) {
            atomic_store_explicit(&line->turn, turn + 1, memory_order_release);
            if (!await_turn(line, turn + 2))
                return false;
        }
        mean = (double)(progress_now() - began) / LINE_ROUNDS / 2;
        if (i == 0 || mean < best)
            best = mean;
    }
    line->ns = best;
    return true;
}

static bool bounce_there(void *context)
{
    struct line *line = context;
    const uint64_t last = 2ull * LINE_TIMES * LINE_ROUNDS;

    for (uint64_t turn = 1; turn < last; turn += 2) {
        if (!await_turn(line, turn))
            return false;
        atomic_store_explicit(&line->turn, turn + 1, memory_order_release);
    }
    return true;
}

bool measure_line(const struct measure *m, double *ns)
{
    struct line *line = share_memory(sizeof *line);
    bool good;

    if (!line)
        return false;
    good = run_both(m, bounce_here, bounce_there, line);
    *ns = line->ns;
    munmap(line, sizeof *line);
    return good;
}

/* -------------------------------------------------------------- a copy */

bool measure_copy(const struct measure *m, double *rate)
{
    unsigned char *from = share_memory(2 * m->size), *to;
    size_t copies = m->size < COPY_BYTES ? COPY_BYTES / m->size : 1;
    double best = 0;

    if (!from)
        return false;
    to = from + m->size;
    memset(from, 1, m->size);
    for (int i = 0; i < COPY_TIMES; i++) {
        uint64_t began = progress_now();
        double mean;

        for (size_t k = 0; k < copies; k++) {
            memcpy(to, from, m->size);
            __asm__ __volatile__("" : : "r"(to) : "memory");
        }
        mean =
            (double)(copies * m->size) * 1e9 / (double)(progress_now() - began);
        if (mean > best)
            best = mean;
    }
    *rate = best;
    munmap(from, 2 * m->size);
    return true;
}

/* ------------------------------------------------------------ channels */

/* A channel in memory that a child inherits. */
static IpcChannel *make_channel(const struct measure *m, void *memory,
                                size_t size)
{
    const IpcChannelConfiguration configuration = {
        .max_round_trips = 1,
        .start_sleep_ns = 1,
        .max_sleep_ns = 1,
        .flags =
            m->one_one ? IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER : 0,
        .spin_ns = m->spin_ns};
    IpcChannelResult made = ipc_channel_create(memory, size, configuration);

    if (made.ipc_status == IPC_OK)
        return made.result;
    command_complain("cannot make a channel: %s", made.error.detail);
    return NULL;
}

struct two_ways {
    const struct measure *m;
    IpcChannel *there, *back;
    unsigned char *message;
    uint64_t *ns; /* of each round trip */
};

static bool pass(struct two_ways *w, IpcChannel *to)
{
    return ipc_channel_write_with_timeout(to, w->message, w->m->size, &patience)
               .ipc_status == IPC_OK;
}

static bool receive(struct two_ways *w, IpcChannel *from)
{
    IpcEntry entry = {.payload = w->message, .size = w->m->size};

    return ipc_channel_read_into_with_timeout(from, &entry, &patience)
               .ipc_status == IPC_OK;
}

/* As many rounds again come first, to warm up. */
static bool ping(void *context)
{
    struct two_ways *w = context;

    for (size_t i = 0; i < 2 * w->m->rounds; i++) {
        uint64_t began = progress_now();

        if (!pass(w, w->there) || !receive(w, w->back))
            return false;
        w->ns[i % w->m->rounds] = progress_now() - began;
    }
    return true;
}

static bool pong(void *context)
{
    struct two_ways *w = context;

    for (size_t i = 0; i < 2 * w->m->rounds; i++)
        if (!receive(w, w->there) || !pass(w, w->back))
            return false;
    return true;
}

bool measure_latency(const struct measure *m, struct samples *samples)
{
    const size_t room =
        (size_t)ipc_channel_align_size(m->size * 2 + LATENCY_ROOM);
    unsigned char *memory = share_memory(2 * room);
    struct two_ways w = {.m = m};
    bool good = false;

    samples->ns = calloc(m->rounds, sizeof samples->ns[0]);
    samples->count = m->rounds;
    w.ns = samples->ns;
    w.message = calloc(1, m->size);
    if (memory && w.ns && w.message) {
        w.there = make_channel(m, memory, room);
        w.back = make_channel(m, memory + room, room);
        good = w.there && w.back && run_both(m, ping, pong, &w);
        ipc_channel_destroy(w.there);
        ipc_channel_destroy(w.back);
        munmap(memory, 2 * room);
    }
    free(w.message);
    for (size_t i = 0; good && i < m->rounds; i++)
        samples->ns[i] /= 2;
    if (good)
        samples_sort(samples);
    return good;
}

/* In memory that both share; what either stores is a line of its own. */
struct one_way {
    const struct measure *m;
    IpcChannel *channel;
    unsigned char *messages;
    _Alignas(128) uint64_t began;
    uint64_t written;
    _Alignas(128) uint64_t ended;
    uint64_t read;
};

/* Both sides poll, and let the other one run where CPUs are short. False: it
 * is gone. */
struct rest {
    unsigned looks;
    uint64_t began;
};

static bool rest(struct rest *r)
{
    if (++r->looks % LOOKS_PER_REST != 0)
        return true;
    sched_yield();
    if (r->began == 0)
        r->began = progress_now();
    return progress_now() - r->began < PATIENCE_S * UINT64_C(1000000000);
}

static IpcStatus write_some(struct one_way *w)
{
    IpcStatus status;

    if (w->m->batch > 1) {
        IpcChannelWriteBatchResult r = ipc_channel_write_array(
            w->channel, w->messages, w->m->size, (int)w->m->batch);

        w->written += r.ipc_status == IPC_OK ? r.result : 0;
        return r.ipc_status;
    }
    status = ipc_channel_write(w->channel, w->messages, w->m->size).ipc_status;
    w->written += status == IPC_OK;
    return status;
}

static bool write_batch(struct one_way *w)
{
    struct rest r = {0};
    IpcStatus status;

    do
        status = write_some(w);
    while (
        (status == IPC_ERR_NO_SPACE_CONTIGUOUS || status == IPC_ERR_LOCKED) &&
        rest(&r));
    return status == IPC_OK;
}

static bool pour(void *context)
{
    struct one_way *w = context;
    uint64_t lasts = (uint64_t)(w->m->seconds * 1e9 / MEASURE_FLOW_TIMES);
    bool good = true;

    w->began = progress_now();
    for (unsigned i = 1; good; i++) {
        good = write_batch(w);
        if (i % 64 == 0 && progress_now() - w->began >= lasts)
            break;
    }
    return ipc_channel_close(w->channel).ipc_status == IPC_OK && good;
}

static IpcStatus read_some(struct one_way *w, unsigned char *memory)
{
    IpcEntry entry = {.payload = memory, .size = w->m->size};
    IpcStatus status;

    if (w->m->batch > 1) {
        IpcChannelReadBatchResult r = ipc_channel_try_read_array(
            w->channel, memory, w->m->size, (int)w->m->batch);

        w->read += r.ipc_status == IPC_OK ? r.result : 0;
        return r.ipc_status;
    }
    status = ipc_channel_try_read_into(w->channel, &entry).ipc_status;
    w->read += status == IPC_OK;
    return status;
}

static bool drain(void *context)
{
    struct one_way *w = context;
    unsigned char *memory = malloc(w->m->size * w->m->batch);
    struct rest r = {0};
    IpcStatus status = IPC_OK;

    while (memory && status != IPC_ERR_CLOSED) {
        status = read_some(w, memory);
        if (status == IPC_OK)
            r = (struct rest){0};
        else if (status != IPC_ERR_CLOSED && !rest(&r))
            break;
    }
    w->ended = progress_now();
    free(memory);
    return status == IPC_ERR_CLOSED;
}

/* Once, into a channel in `memory`. */
static bool flow_once(struct one_way *w, void *memory, size_t room,
                      double *rate)
{
    bool good;

    w->channel = make_channel(w->m, memory, room);
    w->read = w->written = 0;
    good = w->channel && run_both(w->m, pour, drain, w);
    ipc_channel_destroy(w->channel);
    if (good && w->read != w->written) {
        command_complain("messages were lost: %llu of %llu arrived",
                         (unsigned long long)w->read,
                         (unsigned long long)w->written);
        good = false;
    }
    *rate = good ? (double)w->read * 1e9 / (double)(w->ended - w->began) : 0;
    return good;
}

bool measure_throughput(const struct measure *m, struct measure_flow *flow)
{
    const size_t least = m->size * FLOW_MESSAGES_LEAST;
    const size_t room =
        (size_t)ipc_channel_align_size(least > FLOW_ROOM ? least : FLOW_ROOM);
    unsigned char *memory = share_memory(room);
    struct one_way *w = share_memory(sizeof *w);
    double rates[MEASURE_FLOW_TIMES];
    bool good = memory && w;

    if (good) {
        *w = (struct one_way){.m = m, .messages = calloc(m->batch, m->size)};
        good = w->messages != NULL;
        for (int i = 0; i < MEASURE_FLOW_TIMES && good; i++)
            good = flow_once(w, memory, room, &rates[i]);
        free(w->messages);
    }
    flow->messages = good ? median(rates, MEASURE_FLOW_TIMES) : 0;
    flow->bytes = flow->messages * (double)m->size;
    if (memory)
        munmap(memory, room);
    if (w)
        munmap(w, sizeof *w);
    return good;
}
