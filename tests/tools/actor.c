/* SPDX-License-Identifier: MIT */
/*
 * actor NAME SIZE FLAGS create|join|map|any|open: a process on a channel that
 * does what it is told by lines on standard input, and answers each by a line,
 * "ok" or the name of a status. FLAGS are those of the channel; "any" joins
 * what is there, and else creates, and "open" has the library do so by the
 * name.
 *
 *     write BYTES    reserve BYTES    commit    read    close
 *     subscribe [LAG]
 *     pin            the newest entry
 *     wait           a blocked read, of up to a minute
 *     fill           writes of 64 bytes until the channel is full
 *     named          whether the name still leads to what is mapped
 *     stay           answers nothing more, until it is killed
 */
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static IpcChannel *channel;
static IpcMemorySegment *segment;
static IpcReservation reservation;
static IpcEntry pinned;
static const char *its_name;
static unsigned char bytes[65536];

static IpcStatus write_bytes(size_t size)
{
    for (size_t i = 0; i < size && i < sizeof bytes; i++)
        bytes[i] = (unsigned char)('a' + i % 26);
    return ipc_channel_write(channel, bytes, size).ipc_status;
}

static IpcStatus read_one(int seconds)
{
    struct timespec timeout = {.tv_sec = seconds};
    IpcEntry entry = {.payload = bytes, .size = sizeof bytes};

    return ipc_channel_read_into_with_timeout(channel, &entry, &timeout)
        .ipc_status;
}

static IpcStatus fill(void)
{
    IpcStatus status;

    do {
        status = write_bytes(64);
    } while (status == IPC_OK);
    return status == IPC_ERR_NO_SPACE_CONTIGUOUS ? IPC_OK : status;
}

static IpcStatus find_name(const char *name)
{
    char line[512], path[300];
    unsigned long inode;
    struct stat named;
    FILE *maps = fopen("/proc/self/maps", "re");
    bool found = false;

    snprintf(path, sizeof path, "/dev/shm%s", name);
    while (maps && !found && fgets(line, sizeof line, maps))
        found = sscanf(line, "%*s %*s %*s %*s %lu", &inode) == 1 &&
                strstr(line, path);
    if (maps)
        fclose(maps);
    return found && stat(path, &named) == 0 && named.st_ino == inode
               ? IPC_OK
               : IPC_ERR_NOT_FORMATTED;
}

/* With a size: may lag, not by so many bytes. */
static IpcStatus subscribe(size_t lag)
{
    IpcSubscription how = {.struct_size = sizeof how, .lag_bytes = lag};

    how.policy = lag ? IPC_SUBSCRIBER_LAGS : IPC_SUBSCRIBER_BLOCKS;
    return ipc_channel_subscribe(channel, &how).ipc_status;
}

static IpcStatus obey(const char *order, size_t size)
{
    if (strcmp(order, "write") == 0)
        return write_bytes(size);
    if (strcmp(order, "reserve") == 0)
        return ipc_channel_reserve(channel, size, &reservation).ipc_status;
    if (strcmp(order, "commit") == 0)
        return ipc_channel_commit(channel, &reservation, reservation.size)
            .ipc_status;
    if (strcmp(order, "read") == 0)
        return read_one(0);
    if (strcmp(order, "wait") == 0)
        return read_one(60);
    if (strcmp(order, "fill") == 0)
        return fill();
    if (strcmp(order, "subscribe") == 0)
        return subscribe(size);
    if (strcmp(order, "pin") == 0)
        return ipc_channel_pin_newest(channel, &pinned).ipc_status;
    if (strcmp(order, "close") == 0)
        return ipc_channel_close(channel).ipc_status;
    if (strcmp(order, "named") == 0)
        return find_name(its_name);
    if (strcmp(order, "stay") == 0)
        for (;;)
            pause();
    return IPC_ERR_UNSUPPORTED;
}

static void answer(IpcStatus status)
{
    puts(status == IPC_OK ? "ok" : ipc_status_name(status));
    fflush(stdout);
}

static IpcStatus open_by_name(uint64_t size, uint32_t flags)
{
    IpcOpenOptions options = {.struct_size = sizeof options, .size = size};
    IpcChannelOpenResult opened;

    options.configuration.flags = flags;
    opened = ipc_channel_open(its_name, &options);
    channel = opened.ipc_status == IPC_OK ? opened.result : NULL;
    return opened.ipc_status;
}

static IpcStatus enter(uint32_t flags, const char *how)
{
    IpcChannelConfiguration configuration =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000000);
    IpcChannelResult made;
    IpcChannelConnectResult joined;

    configuration.flags = flags;
    if (strcmp(how, "map") == 0)
        return IPC_OK;
    if (strcmp(how, "create") == 0) {
        made = ipc_channel_create(segment->memory, (size_t)segment->size,
                                  configuration);
        channel = made.ipc_status == IPC_OK ? made.result : NULL;
        return made.ipc_status;
    }
    joined = ipc_channel_connect_sized(segment->memory, (size_t)segment->size,
                                       configuration);
    if (joined.ipc_status == IPC_ERR_NOT_FORMATTED && strcmp(how, "any") == 0)
        return enter(flags, "create");
    channel = joined.ipc_status == IPC_OK ? joined.result : NULL;
    return joined.ipc_status;
}

static IpcStatus begin(uint64_t size, uint32_t flags, const char *how)
{
    IpcMemorySegmentResult mapped;

    if (strcmp(how, "open") == 0)
        return open_by_name(size, flags);
    mapped = ipc_mmap(its_name, size);
    if (mapped.ipc_status != IPC_OK)
        return mapped.ipc_status;
    segment = mapped.result;
    return enter(flags, how);
}

int main(int argc, char **argv)
{
    char line[64], order[32];
    IpcStatus status;

    if (argc != 5)
        return EXIT_FAILURE;
    its_name = argv[1];
    status = begin(strtoull(argv[2], NULL, 0),
                   (uint32_t)strtoul(argv[3], NULL, 0), argv[4]);
    answer(status);
    while (status == IPC_OK && fgets(line, sizeof line, stdin)) {
        unsigned long size = 0;

        if (sscanf(line, "%31s %lu", order, &size) > 0)
            answer(obey(order, size));
    }
    if (channel)
        ipc_channel_destroy(channel);
    if (segment)
        ipc_unmap(segment);
    return status == IPC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
