/* SPDX-License-Identifier: MIT */
/*
 * Writes numbered messages into a channel, or reads them and says whether each
 * came once, in order and whole.
 *
 *     flow write NAME COUNT SOURCE LARGEST [FIRST]
 *     flow try NAME SOURCE LARGEST         until there is no space; says how
 * many flow read NAME COUNT SOURCES LARGEST [SECONDS] flow gaps NAME SECONDS
 * LARGEST       those of one source that come until none came for so long
 *
 * A message is {source, number} and bytes that follow from these; up to LARGEST
 * bytes, as many as the number says. `read` waits for COUNT messages of each of
 * SOURCES sources, for SECONDS since the last one at most; and then looks
 * whether one more comes.
 */
#include <inttypes.h>
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SOURCES = 16, LIMIT_SECONDS = 60, ROOM = 1 << 21 };

struct head {
    uint64_t source, number;
};

static unsigned char memory[ROOM];

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ (x >> 29);
}

static size_t size_of(struct head h, size_t largest)
{
    size_t spread = largest - sizeof h;

    return sizeof h +
           (spread ? (size_t)(mix(h.number + h.source) % (spread + 1)) : 0);
}

static size_t fill(struct head h, size_t largest)
{
    size_t size = size_of(h, largest);

    memcpy(memory, &h, sizeof h);
    for (size_t i = sizeof h; i < size; i++)
        memory[i] = (unsigned char)(h.number * 7 + i);
    return size;
}

static int check(const void *payload, size_t size, struct head h,
                 size_t largest)
{
    const unsigned char *p = payload;

    if (size != size_of(h, largest))
        return 0;
    for (size_t i = sizeof h; i < size; i++)
        if (p[i] != (unsigned char)(h.number * 7 + i))
            return 0;
    return 1;
}

/* Joins it, when it is there. */
static IpcChannel *join(const char *name)
{
    const IpcOpenOptions options = {.struct_size = sizeof options,
                                    .flags = IPC_OPEN_CONNECT_ONLY};
    const struct timespec turn = {0, 10000000};

    for (int i = 0; i < LIMIT_SECONDS * 100; i++) {
        IpcChannelOpenResult r = ipc_channel_open(name, &options);

        if (r.ipc_status == IPC_OK)
            return r.result;
        nanosleep(&turn, NULL);
    }
    fprintf(stderr, "flow: %s is not there\n", name);
    exit(1);
}

static int write_all(char **argv)
{
    IpcChannel *channel = join(argv[2]);
    uint64_t count = strtoull(argv[3], NULL, 10);
    struct head h = {strtoull(argv[4], NULL, 10), 0};
    size_t largest = strtoull(argv[5], NULL, 10);

    if (argv[6])
        h.number = strtoull(argv[6], NULL, 10);
    for (count += h.number; h.number < count; h.number++) {
        const struct timespec limit = {LIMIT_SECONDS, 0};
        IpcChannelWriteResult r = ipc_channel_write_with_timeout(
            channel, memory, fill(h, largest), &limit);

        if (r.ipc_status != IPC_OK) {
            fprintf(stderr, "flow: message %" PRIu64 ": %s\n", h.number,
                    r.error.detail);
            return 1;
        }
    }
    ipc_channel_destroy(channel);
    return 0;
}

static int try_all(char **argv)
{
    IpcChannel *channel = join(argv[2]);
    struct head h = {strtoull(argv[3], NULL, 10), 0};
    size_t largest = strtoull(argv[4], NULL, 10);
    const struct timespec pause = {1, 0};

    while (ipc_channel_write_with_timeout(channel, memory, fill(h, largest),
                                          &pause)
               .ipc_status == IPC_OK)
        h.number++;
    printf("%" PRIu64 "\n", h.number);
    ipc_channel_destroy(channel);
    return 0;
}

/* One more message; 0: none came in that time. */
static int read_one(IpcChannel *channel, IpcEntry *entry, time_t seconds)
{
    const struct timespec limit = {seconds, seconds ? 0 : 300000000};

    *entry = (IpcEntry){0, memory, sizeof memory};
    return ipc_channel_read_into_with_timeout(channel, entry, &limit)
               .ipc_status == IPC_OK;
}

static int complain(const char *what, struct head h, uint64_t wanted)
{
    printf("%s: source %" PRIu64 " number %" PRIu64 ", not %" PRIu64 "\n", what,
           h.source, h.number, wanted);
    return 1;
}

static int read_all(char **argv)
{
    IpcChannel *channel = join(argv[2]);
    const uint64_t count = strtoull(argv[3], NULL, 10);
    const uint64_t sources = strtoull(argv[4], NULL, 10);
    const size_t largest = strtoull(argv[5], NULL, 10);
    const time_t seconds = argv[6] ? atoi(argv[6]) : LIMIT_SECONDS;
    uint64_t next[SOURCES] = {0};
    IpcEntry entry;

    for (uint64_t left = count * sources; left > 0; left--) {
        struct head h = {0, 0};

        if (!read_one(channel, &entry, seconds))
            return complain("nothing more came", h, next[0]);
        memcpy(&h, memory, sizeof h);
        if (h.source >= sources || h.number != next[h.source])
            return complain("out of order", h,
                            next[h.source < sources ? h.source : 0]);
        if (!check(memory, entry.size, h, largest))
            return complain("torn", h, h.number);
        next[h.source]++;
    }
    if (read_one(channel, &entry, 0))
        return complain("one too many", *(struct head *)(void *)memory, count);
    ipc_channel_destroy(channel);
    printf("ok\n");
    return 0;
}

static int read_gaps(char **argv)
{
    IpcChannel *channel = join(argv[2]);
    const time_t seconds = atoi(argv[3]);
    const size_t largest = strtoull(argv[4], NULL, 10);
    uint64_t next = 0, read = 0, gaps = 0;
    IpcEntry entry;

    while (read_one(channel, &entry, seconds)) {
        struct head h;

        memcpy(&h, memory, sizeof h);
        if (h.number < next)
            return complain("out of order", h, next);
        if (!check(memory, entry.size, h, largest))
            return complain("torn", h, h.number);
        gaps += h.number > next;
        next = h.number + 1;
        read++;
    }
    printf("%" PRIu64 " read, %" PRIu64 " gaps, last %" PRIu64 "\n", read, gaps,
           next - 1);
    ipc_channel_destroy(channel);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 6 && strcmp(argv[1], "write") == 0)
        return write_all(argv);
    if (argc == 5 && strcmp(argv[1], "try") == 0)
        return try_all(argv);
    if (argc >= 6 && strcmp(argv[1], "read") == 0)
        return read_all(argv);
    if (argc == 5 && strcmp(argv[1], "gaps") == 0)
        return read_gaps(argv);
    return 2;
}
