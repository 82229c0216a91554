/* SPDX-License-Identifier: MIT */
/*
 * Channels by name, with many at once.
 *
 *     openers race [-p processes] [-n rounds]
 *     openers unlink [-p processes] [-n opens of each]
 *     openers restart [-n kills]
 *
 * race: processes that start at the same moment open a name that is not there,
 * and each writes one entry: one of them created it, and all entries are in it.
 * unlink: processes open, write, read and remove one name all the time, by all
 * ways there are: nobody hangs, and nobody gets an answer but "here it is" or
 * "that was in motion until the deadline".
 * restart: a producer and a consumer that open one name, started in any order
 * and killed again and again: the consumer sees every number, in order.
 */
#include "../own_name.h"

#include <sched.h>
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64, LONGEST_CALL_MS = 30000 };

struct ledger {
    atomic_uint started;
    atomic_uint created;
    atomic_uint joined;
    atomic_uint moving;    /* opens that ended at the deadline */
    atomic_ullong written; /* restart: the last number that is surely in */
    atomic_ullong read;
    atomic_uint repeated;
};

static char name[OWN_NAME_ROOM];
static struct ledger *ledger;
static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * UINT64_C(0x2545f4914f6cdd1d) >> 33;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_us(uint64_t us)
{
    struct timespec t = {0, (long)us * 1000};

    nanosleep(&t, NULL);
}

__attribute__((noreturn)) static void fail(const char *what, IpcStatus status,
                                           const char *detail)
{
    fprintf(stderr, "%s: %s: %s\n", what, ipc_status_name(status), detail);
    exit(1);
}

static IpcOpenOptions options_with(uint32_t flags, uint32_t modes)
{
    IpcOpenOptions options = {.struct_size = sizeof options, .flags = flags};

    options.size = 65536;
    options.timeout_ns = UINT64_C(20000000000);
    options.configuration.flags = modes;
    return options;
}

static IpcChannel *open_name(const IpcOpenOptions *options)
{
    IpcChannelOpenResult r = ipc_channel_open(name, options);

    if (IpcChannelOpenResult_is_error(r))
        fail("open", r.ipc_status, r.error.detail);
    return r.result;
}

static pid_t start(void (*work)(int), int which)
{
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child < 0) {
        perror("fork");
        exit(1);
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        seed ^= (uint64_t)getpid() * UINT64_C(0x9e3779b97f4a7c15);
        work(which);
        exit(0);
    }
    return child;
}

/* How many have failed. */
static int await(const pid_t *children, int count)
{
    int failed = 0;

    for (int i = 0; i < count; i++) {
        int status;

        if (waitpid(children[i], &status, 0) != children[i] || status != 0)
            failed++;
    }
    return failed;
}

/* ------------------------------------------------------------------- race */

static void open_and_write(int which)
{
    IpcOpenOptions options = options_with(0, 0);
    IpcChannel *channel;
    IpcChannelWriteResult written;

    while (atomic_load(&ledger->started) == 0)
        sched_yield();
    channel = open_name(&options);
    atomic_fetch_add(
        ipc_channel_created(channel) ? &ledger->created : &ledger->joined, 1);
    written = ipc_channel_write(channel, &which, sizeof which);
    if (IpcChannelWriteResult_is_error(written))
        fail("write", written.ipc_status, written.error.detail);
    if (which % 2)
        ipc_channel_destroy(channel);
}

/* Takes all that is there; false: one is missing or there twice. */
static bool all_are_there(int count)
{
    IpcOpenOptions options = options_with(IPC_OPEN_CONNECT_ONLY, 0);
    IpcChannel *channel = open_name(&options);
    bool seen[MOST] = {false};
    int found = 0;
    IpcEntry entry;

    while (ipc_channel_try_read(channel, &entry).ipc_status == IPC_OK) {
        int which;

        memcpy(&which, entry.payload, sizeof which);
        free(entry.payload);
        if (which < 0 || which >= count || seen[which])
            return false;
        seen[which] = true;
        found++;
    }
    ipc_channel_destroy(channel);
    return found == count;
}

static int race(int processes, int rounds)
{
    int bad = 0;

    for (int i = 0; i < rounds; i++) {
        pid_t children[MOST];

        memset(ledger, 0, sizeof *ledger);
        for (int k = 0; k < processes; k++)
            children[k] = start(open_and_write, k);
        atomic_store(&ledger->started, 1);
        if (await(children, processes) || ledger->created != 1 ||
            !all_are_there(processes)) {
            bad++;
            fprintf(stderr, "round %d: %u created, %u joined\n", i,
                    ledger->created, ledger->joined);
        }
        ipc_channel_unlink(name);
    }
    printf("%d rounds of %d openers, %d bad\n", rounds, processes, bad);
    return bad != 0;
}

/* ----------------------------------------------------------------- unlink */

static int opens_of_each;

static void use(IpcChannel *channel)
{
    IpcEntry entry;

    if (IpcChannelWriteResult_is_error(ipc_channel_write(channel, "x", 2)))
        fail("write", IPC_ERR_ILLEGAL_STATE, "a channel of nobody's is full");
    if (ipc_channel_try_read(channel, &entry).ipc_status == IPC_OK)
        free(entry.payload);
    ipc_channel_destroy(channel);
}

static void open_and_unlink(int which)
{
    const uint32_t ways[] = {0, IPC_OPEN_UNLINK_LAST, IPC_OPEN_REPLACE_DEAD,
                             IPC_OPEN_REPLACE_DEAD | IPC_OPEN_UNLINK_LAST};

    (void)which;
    for (int i = 0; i < opens_of_each; i++) {
        IpcOpenOptions options = options_with(ways[next_random() % 4], 0);
        int64_t begun = now_ms();
        IpcChannelOpenResult r;

        options.timeout_ns = 1000000000;
        r = ipc_channel_open(name, &options);
        if (now_ms() - begun > LONGEST_CALL_MS)
            fail("open", r.ipc_status, "took too long");
        if (r.ipc_status == IPC_ERR_INITIALIZING)
            atomic_fetch_add(&ledger->moving, 1);
        else if (IpcChannelOpenResult_is_error(r))
            fail("open", r.ipc_status, r.error.detail);
        else
            use(r.result);
        if (next_random() % 4 == 0)
            ipc_channel_unlink(name);
    }
}

static int unlink_all_the_time(int processes, int opens)
{
    pid_t children[MOST];
    int failed;

    opens_of_each = opens;
    for (int k = 0; k < processes; k++)
        children[k] = start(open_and_unlink, k);
    failed = await(children, processes);
    ipc_channel_unlink(name);
    printf("%d processes opened and removed %d times each; %u opens ended at "
           "their deadline of 1 s, %d processes failed\n",
           processes, opens, ledger->moving, failed);
    return failed != 0;
}

/* ---------------------------------------------------------------- restart */

#define MODES (IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER)

/* Goes on behind what is surely in; what it repeats is seen twice. */
static void produce(int which)
{
    IpcOpenOptions options = options_with(0, MODES);
    IpcChannel *channel = open_name(&options);

    (void)which;
    for (;;) {
        unsigned long long number = ledger->written + 1;
        IpcChannelWriteResult r =
            ipc_channel_write_blocking(channel, &number, sizeof number);

        if (IpcChannelWriteResult_is_error(r))
            fail("write", r.ipc_status, r.error.detail);
        ledger->written = number;
    }
}

/* Notes what it has in hand before it gives the space back. */
static void consume(int which)
{
    IpcOpenOptions options = options_with(0, MODES);
    IpcChannel *channel = open_name(&options);

    (void)which;
    for (;;) {
        unsigned long long number, last = ledger->read;
        IpcEntry entry;
        IpcChannelPeekResult r =
            ipc_channel_peek_with_timeout(channel, &entry, NULL);

        if (r.ipc_status != IPC_OK)
            fail("peek", r.ipc_status, r.error.detail);
        memcpy(&number, entry.payload, sizeof number);
        if (number == last)
            ledger->repeated++;
        else if (number != last + 1)
            fail("number", IPC_ERR_CORRUPTED, "one is missing");
        ledger->read = number;
        if (IpcChannelSkipResult_is_error(
                ipc_channel_skip(channel, entry.offset)))
            fail("skip", IPC_ERR_CORRUPTED, "somebody else took it");
    }
}

static bool has_failed(pid_t child)
{
    int status;

    kill(child, SIGKILL);
    return waitpid(child, &status, 0) != child || WIFEXITED(status);
}

static int restart(int kills)
{
    void (*const work[2])(int) = {produce, consume};
    pid_t children[2] = {0, 0};
    int failed = 0;
    int64_t end;

    for (int i = 0; i < kills && !failed; i++) {
        unsigned which = next_random() % 2;

        if (children[which])
            failed = has_failed(children[which]);
        children[which] = start(work[which], 0);
        pause_us(next_random() % 3000);
    }
    failed |= has_failed(children[0]);
    end = now_ms() + LONGEST_CALL_MS;
    while (ledger->read < ledger->written && now_ms() < end)
        pause_us(1000);
    failed |= has_failed(children[1]) || ledger->read < ledger->written;
    ipc_channel_unlink(name);
    printf("%d kills, %llu numbers written, %llu read, %u read again after a "
           "kill%s\n",
           kills, ledger->written, ledger->read, ledger->repeated,
           failed ? ": FAILED" : "");
    return failed;
}

int main(int argc, char **argv)
{
    int processes = 32, rounds = 400, option;
    const char *what = argc > 1 ? argv[1] : "";

    while ((option = getopt(argc - 1, argv + 1, "p:n:")) != -1) {
        if (option == 'p')
            processes = atoi(optarg);
        else if (option == 'n')
            rounds = atoi(optarg);
        else
            return 2;
    }
    if (processes < 1 || processes > MOST || rounds < 1)
        return 2;
    own_name(name, "openers");
    seed = (uint64_t)getpid() * UINT64_C(0x9e3779b97f4a7c15) | 1;
    ledger = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ledger == MAP_FAILED)
        return 1;
    if (strcmp(what, "race") == 0)
        return race(processes, rounds);
    if (strcmp(what, "unlink") == 0)
        return unlink_all_the_time(processes, rounds);
    if (strcmp(what, "restart") == 0)
        return restart(rounds);
    fputs("usage: openers race|unlink|restart [-p processes] [-n rounds]\n",
          stderr);
    return 2;
}
