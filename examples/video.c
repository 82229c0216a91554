/* SPDX-License-Identifier: MIT */
/*
 * Video, latest frame wins: a camera writes frames of 6 MB, 60 in a second; a
 * fast reader gets nearly all of them, and a slow one that works on a frame for
 * 100 ms, in place, the newest that is there whenever it has time. Nobody waits
 * for it, and what it works on stays whole: it has pinned that, and the camera
 * goes round it.
 *
 *     cc video.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 6 << 20, FRAMES = 90, HELD = 6, WORDS = FRAME / 8 };
static const long interval_ns = 1000000000 / 60, slow_ns = 100000000;
static char name[64];

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void pause_for(long ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static IpcChannel *open_channel(void)
{
    IpcOpenOptions options = {.struct_size = sizeof options,
                              .size = HELD * (size_t)FRAME + (2u << 20)};
    IpcChannelOpenResult opened;

    options.configuration.flags = IPC_BUFFER_BROADCAST;
    opened = ipc_channel_open(name, &options);
    if (IpcChannelOpenResult_is_error(opened)) {
        fprintf(stderr, "open %s: %s\n", name, opened.error.detail);
        exit(EXIT_FAILURE);
    }
    return opened.result;
}

/* -------------------------------------------------------------- a viewer */

/* Every word of a frame is its number. */
static int is_whole(const uint64_t *frame)
{
    for (size_t i = 1; i < WORDS; i++)
        if (frame[i] != frame[0])
            return 0;
    return 1;
}

/* Exit code 0: no frame was torn, and the last one was seen. */
static int view(const char *who, long work_ns)
{
    const IpcSubscription how = {.struct_size = sizeof how,
                                 .policy = IPC_SUBSCRIBER_LAGS};
    IpcChannel *channel = open_channel();
    unsigned seen = 0, torn = 0;
    uint64_t last = 0, dropped = 0;
    IpcEntry frame;

    if (ipc_channel_subscribe(channel, &how).ipc_status != IPC_OK)
        return EXIT_FAILURE;
    while (ipc_channel_pin_newest_blocking(channel, &frame).ipc_status ==
           IPC_OK) {
        const uint64_t *words = frame.payload;
        uint64_t number = words[0];

        pause_for(work_ns); /* the frame stays as it is meanwhile */
        torn += !is_whole(words) || words[0] != number;
        dropped += number - last - 1;
        last = number;
        seen++;
        if (ipc_channel_unpin(channel, frame.offset).ipc_status != IPC_OK)
            return EXIT_FAILURE;
    }
    printf("%s: %u frames seen, %llu passed over, %u torn\n", who, seen,
           (unsigned long long)dropped, torn);
    ipc_channel_destroy(channel);
    return torn == 0 && last == FRAMES ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ------------------------------------------------------------ the camera */

/* Draws frames in place. Returns how many there was no space for. */
static unsigned record(IpcChannel *channel, double *longest)
{
    unsigned failures = 0;

    for (uint64_t number = 1; number <= FRAMES; number++) {
        IpcReservation place;
        double begin = now(), took;

        if (ipc_channel_reserve(channel, FRAME, &place).ipc_status != IPC_OK) {
            failures++;
            continue;
        }
        took = now() - begin;
        *longest = took > *longest ? took : *longest;
        for (size_t i = 0; i < WORDS; i++)
            ((uint64_t *)place.payload)[i] = number;
        if (ipc_channel_commit(channel, &place, FRAME).ipc_status != IPC_OK)
            failures++;
        pause_for(interval_ns);
    }
    return failures;
}

static int wait_for_viewers(const IpcChannel *channel, size_t count)
{
    for (int i = 0; i < 10000; i++) {
        if (ipc_channel_subscribers(channel, NULL, 0).result == count)
            return 1;
        pause_for(1000000);
    }
    return 0;
}

int main(void)
{
    const char *const who[] = {"fast", "slow"};
    const long work_ns[] = {0, slow_ns};
    double longest = 0;
    pid_t viewers[2];
    IpcChannel *channel;
    int status, failures = 0;

    snprintf(name, sizeof name, "/video-%ld", (long)getpid());
    for (int i = 0; i < 2; i++) {
        viewers[i] = fork();
        if (viewers[i] == 0)
            exit(view(who[i], work_ns[i]));
    }
    channel = open_channel();
    failures += !wait_for_viewers(channel, 2);
    failures += (int)record(channel, &longest);
    if (ipc_channel_close(channel).ipc_status != IPC_OK)
        failures++;
    for (int i = 0; i < 2; i++) {
        waitpid(viewers[i], &status, 0);
        failures += status != 0;
    }
    ipc_channel_destroy(channel);
    ipc_channel_unlink(name);
    printf("camera: %d frames, the longest wait for space %.3f ms\n", FRAMES,
           longest);
    printf("%s\n", failures ? "something went wrong" : "every frame was whole");
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
