/* SPDX-License-Identifier: MIT */
/*
 * No wake-up is lost: two parties hand a token back and forth, each asleep in
 * a blocking read until the other one writes.
 *
 *     handover [-t|-p] [-n hand-overs] [-w backend] [-s] [-1] [-r nanoseconds]
 *              [-b writes]
 *
 * -1: one-producer mode, in which a write has no locked instruction that would
 * be a fence on x86 and hide a missing one.
 * -r: only one of them sleeps; the other one waits, awake, until the last
 * token was taken, lets a random time up to that many nanoseconds pass, and
 * writes: at every point of the reader's way to sleep, sooner or later.
 * -b: and between two such writes so many come at once, on average: a waker
 * that fences for some looks after a wake ceases to, and begins again.
 *
 * Built with a library whose sleeps have no cap (WAIT_CAP_NS is an hour), so
 * that one lost wake-up hangs the test; an alarm then ends it. -s puts both on
 * one CPU, where the switch happens at every point of the sleeper's way into
 * the kernel.
 */
#include "message.h"
#include <pthread.h>
#include <sched.h>
#include <shmipc/shmipc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MEMORY = 8192, LONGEST_BURST = 64 };

static IpcChannelConfiguration configuration = {
    .max_round_trips = IPC_CHANNEL_UNLIMITED_ROUND_TRIPS,
    .start_sleep_ns = 1000000000,
    .max_sleep_ns = 1000000000,
    .spin_ns = IPC_CHANNEL_NO_SPIN, /* else nobody would have to sleep */
};
static void *memory[2]; /* to the child, to the parent */
static uint32_t rounds = 50000;
static uint32_t longest_pause;  /* 0: back and forth */
static uint32_t burst = 1;      /* writes that wait for one turn, with -r */
static _Atomic uint32_t *taken; /* tokens that were read, with -r */

static IpcChannel *join(int which)
{
    IpcChannelConnectResult r =
        ipc_channel_connect(memory[which], configuration);

    return IpcChannelConnectResult_is_ok(r) ? r.result : NULL;
}

static bool receive(IpcChannel *channel, uint32_t expected)
{
    uint32_t got = 0;
    IpcEntry entry = {.payload = &got, .size = sizeof got};
    IpcStatus status =
        ipc_channel_read_into_with_timeout(channel, &entry, NULL).ipc_status;

    if (status == IPC_OK && got == expected)
        return true;
    fprintf(stderr, "round %u: %s, got %u\n", expected, ipc_status_name(status),
            got);
    return false;
}

static bool send_number(IpcChannel *channel, uint32_t number)
{
    return IpcChannelWriteResult_is_ok(
        ipc_channel_write(channel, &number, sizeof number));
}

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Spins until token `i` is due; most in a burst are at once, but not so many
 * in a row that the ring is full. */
static void await_turn(uint32_t i)
{
    int64_t until;

    if (i % LONGEST_BURST != 0 && scramble(~(uint64_t)i) % burst != 0)
        return;
    while (atomic_load(taken) != i)
        continue;
    until = now() + scramble(i) % longest_pause;
    while (now() < until)
        continue;
}

static bool play_race(bool first)
{
    IpcChannel *channel = join(0);
    bool good = channel != NULL;

    for (uint32_t i = 0; good && i < rounds; i++) {
        if (first) {
            await_turn(i);
            good = send_number(channel, i);
        } else {
            good = receive(channel, i);
            atomic_store(taken, i + 1);
        }
    }
    if (channel)
        ipc_channel_destroy(channel);
    return good;
}

/* `first` sends first. */
static bool play_token(bool first)
{
    IpcChannel *in = join(first ? 1 : 0);
    IpcChannel *out = join(first ? 0 : 1);
    bool good = in && out;

    for (uint32_t i = 0; good && i < rounds; i++) {
        if (first)
            good = send_number(out, i) && receive(in, i);
        else
            good = receive(in, i) && send_number(out, i);
    }
    if (in)
        ipc_channel_destroy(in);
    if (out)
        ipc_channel_destroy(out);
    return good;
}

static bool play(bool first)
{
    return longest_pause ? play_race(first) : play_token(first);
}

static void *play_second(void *result)
{
    *(bool *)result = play(false);
    return NULL;
}

static bool play_threads(void)
{
    pthread_t other;
    bool good = false, others_good = false;

    if (pthread_create(&other, NULL, play_second, &others_good) == 0) {
        good = play(true);
        pthread_join(other, NULL);
    }
    return good && others_good;
}

static bool play_processes(void)
{
    int status = 1;
    pid_t other = fork();
    bool good;

    if (other == 0)
        _exit(play(false) ? 0 : 1);
    good = other > 0 && play(true);
    if (other > 0)
        waitpid(other, &status, 0);
    return good && status == 0;
}

/* Exit code: 0, or 77 if the running kernel lacks the back end. */
static int create_channels(void)
{
    for (int i = 0; i < 2; i++) {
        IpcChannelResult r;

        memory[i] = shared_zeros(MEMORY);
        if (!memory[i])
            return 2;
        r = ipc_channel_create(memory[i], MEMORY, configuration);
        if (IpcChannelResult_is_error(r)) {
            fprintf(stderr, "%s: %s\n", ipc_status_name(r.ipc_status),
                    r.error.detail);
            return r.ipc_status == IPC_ERR_UNSUPPORTED ? 77 : 2;
        }
        ipc_channel_destroy(r.result);
    }
    taken = shared_zeros(sizeof *taken);
    return taken ? 0 : 2;
}

static void share_one_cpu(void)
{
    cpu_set_t set, one;

    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return;
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &set)) {
            CPU_SET(i, &one);
            break;
        }
    }
    sched_setaffinity(0, sizeof one, &one);
}

int main(int argc, char **argv)
{
    bool processes = false;
    struct rusage usage;
    bool good;
    int option, error;

    while ((option = getopt(argc, argv, "tpn:w:s1r:b:")) != -1) {
        if (option == 'p')
            processes = true;
        else if (option == 'n')
            rounds = (uint32_t)atoi(optarg) / 2;
        else if (option == 'w')
            configuration.wait = (uint32_t)atoi(optarg);
        else if (option == 'r')
            longest_pause = (uint32_t)atoi(optarg);
        else if (option == 'b' && atoi(optarg) > 0)
            burst = (uint32_t)atoi(optarg);
        else if (option == '1')
            configuration.flags = IPC_BUFFER_ONE_PRODUCER;
        else if (option == 's')
            share_one_cpu();
        else if (option != 't')
            return 2;
    }
    error = create_channels();
    if (error)
        return error;
    alarm(300);
    good = processes ? play_processes() : play_threads();
    getrusage(RUSAGE_SELF, &usage);
    printf("%u hand-overs, %ld voluntary switches on this side\n", 2 * rounds,
           usage.ru_nvcsw);
    return !good;
}
