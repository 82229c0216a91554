/* SPDX-License-Identifier: MIT */
/*
 * A set of channels under load, in all ways to sleep, on a library whose sleeps
 * have no cap: a wake-up that is lost is a hang. Processes write into channels
 * at random, in bursts, or one message at a time about when the reader falls
 * asleep; the reader takes some of what is ready, and everything arrives once
 * and in order.
 *
 *     test_waitset [-n messages]
 */
#include "../old_kernel.h"
#include "wait_test.h"
#include <shmipc/ipc_waitset.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>

enum { CHANNELS_MAX = 300, WRITERS = 3, CAPACITY = 2048, ROOM = 16 };

static const char *const names[] = {"a ring", "futex_waitv", "naps"};
static uint64_t messages = 100000;
static struct shared channels[CHANNELS_MAX];
static int count;
static _Atomic uint64_t *taken; /* messages that the reader has read */

/* ---------------------------------------------------------------- writers */

static void write_bursts(int first, uint64_t n)
{
    uint64_t next[CHANNELS_MAX] = {0};
    unsigned seed = (unsigned)first + 1;

    for (uint64_t i = 0; i < n; i++) {
        int at = rand_r(&seed) % ((count - first + WRITERS - 1) / WRITERS) *
                     WRITERS +
                 first;
        struct timespec rest = {.tv_nsec = rand_r(&seed) % 100000};

        CHECK_STATUS(ipc_channel_write_with_timeout(channels[at].channel,
                                                    &next[at], sizeof next[at],
                                                    &patience)
                         .ipc_status,
                     IPC_OK);
        next[at]++;
        if (rand_r(&seed) % 64 == 0)
            nanosleep(&rest, NULL);
    }
}

static void write_racing(uint64_t n)
{
    uint64_t next[CHANNELS_MAX] = {0};
    unsigned seed = 1;

    for (uint64_t i = 0; i < n; i++) {
        int at = rand_r(&seed) % count;

        await(taken, i);
        spin_for(rand_r(&seed) % 60000);
        CHECK_STATUS(
            ipc_channel_write(channels[at].channel, &next[at], sizeof next[at])
                .ipc_status,
            IPC_OK);
        next[at]++;
    }
}

/* ----------------------------------------------------------------- reader */

/* All that there is, or some. */
static uint64_t take(IpcChannel *channel, uint64_t *next, unsigned *seed)
{
    uint64_t got, n = 0;

    for (int some = rand_r(seed) % 8; some >= 0; some--) {
        IpcEntry entry = {.payload = &got, .size = sizeof got};
        IpcStatus status =
            ipc_channel_try_read_into(channel, &entry).ipc_status;

        if (status == IPC_EMPTY || status == IPC_ERR_NOT_READY)
            break;
        CHECK_STATUS(status, IPC_OK);
        CHECK(got == *next, "%llu instead of %llu", (unsigned long long)got,
              (unsigned long long)*next);
        ++*next;
        n++;
    }
    return n;
}

static size_t wait_once(IpcWaitSet *set, int fd, IpcWaitSetReady *ready)
{
    static const struct timespec at_once;
    struct pollfd what = {.fd = fd, .events = POLLIN};

    for (;;) {
        IpcWaitSetWaitResult r =
            ipc_waitset_wait(set, ready, ROOM, fd < 0 ? &patience : &at_once);

        if (r.ipc_status == IPC_OK)
            return r.result;
        CHECK(r.ipc_status == IPC_ERR_TIMEOUT && fd >= 0,
              "a wake-up was lost: %s", ipc_status_name(r.ipc_status));
        CHECK(poll(&what, 1, (int)patience.tv_sec * 1000) == 1,
              "a wake-up was lost");
    }
}

static void read_all(IpcWaitSet *set, int fd, uint64_t n)
{
    uint64_t next[CHANNELS_MAX] = {0};
    uint64_t all = 0, waits = 0;
    unsigned seed = 7;

    while (all < n) {
        IpcWaitSetReady ready[ROOM];
        size_t found = wait_once(set, fd, ready);

        waits++;
        for (size_t i = 0; i < found; i++) {
            struct shared *s = ready[i].user;

            CHECK_STATUS(ready[i].status, IPC_OK);
            CHECK(ready[i].channel == s->channel, "another channel");
            all += take(s->channel, &next[s - channels], &seed);
        }
        atomic_store(taken, all);
    }
    CHECK(waits <= all + 10, "%llu waits", (unsigned long long)waits);
}

/* ------------------------------------------------------------------- both */

static pid_t start_writer(int number, bool racing, uint64_t n)
{
    pid_t child = fork();

    CHECK(child >= 0, "fork");
    if (child != 0)
        return child;
    if (racing)
        write_racing(n);
    else
        write_bursts(number, n);
    _exit(0);
}

static void run(enum way by, int n, bool racing, bool polls)
{
    int writers = racing ? 1 : WRITERS;
    uint64_t each = messages / (racing ? 10 : WRITERS) / (by == NAPS ? 5 : 1);
    pid_t children[WRITERS];
    IpcWaitSetCreateResult made = ipc_waitset_create();
    int fd = -1;

    CHECK_STATUS(made.ipc_status, IPC_OK);
    way = by;
    count = n;
    atomic_store(taken, 0);
    for (int i = 0; i < n; i++) {
        CHECK(make_channel(&channels[i], CAPACITY, IPC_WAIT_FUTEX), "create");
        CHECK_STATUS(
            ipc_waitset_add(made.result, channels[i].channel, &channels[i])
                .ipc_status,
            IPC_OK);
    }
    for (int i = 0; i < writers; i++)
        children[i] = start_writer(i, racing, each);
    if (polls) {
        IpcWaitSetFdResult r = ipc_waitset_fd(made.result);

        CHECK_STATUS(r.ipc_status, IPC_OK);
        fd = r.result;
    }
    read_all(made.result, fd, each * (uint64_t)writers);
    for (int i = 0; i < writers; i++)
        reap_child(children[i]);
    CHECK_STATUS(ipc_waitset_destroy(made.result).ipc_status, IPC_OK);
    for (int i = 0; i < n; i++)
        drop_channel(&channels[i]);
    printf("%d channels by %s%s%s: %llu messages\n", n, names[by],
           racing ? ", racing" : "", polls ? ", polled" : "",
           (unsigned long long)(each * (uint64_t)writers));
}

/* -------------------------------------------------------- others' changes */

struct sleeper {
    IpcWaitSet *set;
    IpcWaitSetReady ready;
    IpcStatus status;
};

static void *sleep_for_set(void *of)
{
    struct sleeper *s = of;

    s->status = ipc_waitset_wait(s->set, &s->ready, 1, NULL).ipc_status;
    return NULL;
}

static void start_sleeper(pthread_t *thread, struct sleeper *s)
{
    const struct timespec soon = {.tv_nsec = 3000000};

    CHECK(pthread_create(thread, NULL, sleep_for_set, s) == 0, "a thread");
    nanosleep(&soon, NULL);
}

/* Who sleeps learns of an interruption, and of a channel that is added. If not,
 * the alarm ends this. */
static void changes_reach_a_sleeper(enum way by, int n)
{
    const uint64_t zero = 0;
    struct sleeper s = {.set = ipc_waitset_create().result};
    pthread_t thread;

    way = by;
    alarm((unsigned)patience.tv_sec);
    for (int i = 0; i <= n; i++)
        CHECK(make_channel(&channels[i], CAPACITY, IPC_WAIT_FUTEX), "create");
    for (int i = 0; i < n; i++)
        CHECK_STATUS(
            ipc_waitset_add(s.set, channels[i].channel, NULL).ipc_status,
            IPC_OK);
    start_sleeper(&thread, &s);
    CHECK_STATUS(ipc_waitset_interrupt(s.set).ipc_status, IPC_OK);
    pthread_join(thread, NULL);
    CHECK_STATUS(s.status, IPC_ERR_INTERRUPTED);
    CHECK_STATUS(
        ipc_channel_write(channels[n].channel, &zero, sizeof zero).ipc_status,
        IPC_OK);
    start_sleeper(&thread, &s);
    CHECK_STATUS(ipc_waitset_add(s.set, channels[n].channel, &s).ipc_status,
                 IPC_OK);
    pthread_join(thread, NULL);
    CHECK_STATUS(s.status, IPC_OK);
    CHECK(s.ready.user == &s, "another channel");
    CHECK_STATUS(ipc_waitset_destroy(s.set).ipc_status, IPC_OK);
    for (int i = 0; i <= n; i++)
        drop_channel(&channels[i]);
    alarm(0);
    printf("changes reach who sleeps for %d channels by %s\n", n, names[by]);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "-n") == 0)
        messages = strtoull(argv[2], NULL, 10);
    taken = make_words();
    for (int by = RING; by <= NAPS; by++) {
        changes_reach_a_sleeper((enum way)by, 2);
        changes_reach_a_sleeper((enum way)by, 130);
    }
    for (int by = RING; by <= NAPS; by++)
        for (int polls = 0; polls < 2; polls++) {
            run((enum way)by, 3, true, polls);
            run((enum way)by, 40, true, polls);
            run((enum way)by, 40, false, polls);
            run((enum way)by, CHANNELS_MAX, by != NAPS, polls);
        }
    return 0;
}
