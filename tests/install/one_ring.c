/* SPDX-License-Identifier: MIT */
/*
 * one_ring FILE create|write|read: programs of 32 and of 64 bits on one ring.
 * Each writes and reads all kinds of entries that the other made.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <shmipc/ipc_batch.h>
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 65536, ENTRIES = 200, LARGEST = 250, ITEMS = 10 };

#define must(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%zu bits: %s\n", 8 * sizeof(void *), #condition); \
            exit(EXIT_FAILURE);                                                \
        }                                                                      \
    } while (0)

static void *map(const char *path, int flags)
{
    int fd = open(path, O_RDWR | flags, 0600);
    void *memory;

    must(fd >= 0 && ftruncate(fd, SIZE) == 0);
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(memory != MAP_FAILED);
    close(fd);
    return memory;
}

static void write_all(IpcChannel *ch)
{
    unsigned char bytes[LARGEST];
    uint64_t items[ITEMS];

    for (unsigned i = 0; i < ENTRIES; i++) {
        size_t size = 1 + i % LARGEST;

        memset(bytes, (int)i, size);
        must(ipc_channel_write(ch, bytes, size).ipc_status == IPC_OK);
    }
    for (unsigned i = 0; i < ITEMS; i++)
        items[i] = UINT64_C(0x0123456789abcdef) + i;
    must(
        ipc_channel_write_array(ch, items, sizeof items[0], ITEMS).ipc_status ==
        IPC_OK);
}

static void read_all(IpcChannel *ch)
{
    unsigned char bytes[LARGEST];
    uint64_t items[ITEMS];
    IpcEntry entry;

    for (unsigned i = 0; i < ENTRIES; i++) {
        entry.payload = bytes;
        entry.size = sizeof bytes;
        must(ipc_channel_try_read_into(ch, &entry).ipc_status == IPC_OK);
        must(entry.size == 1 + i % LARGEST);
        for (size_t j = 0; j < entry.size; j++)
            must(bytes[j] == (unsigned char)i);
    }
    must(ipc_channel_try_read_array(ch, items, sizeof items[0], ITEMS).result ==
         ITEMS);
    for (unsigned i = 0; i < ITEMS; i++)
        must(items[i] == UINT64_C(0x0123456789abcdef) + i);
    entry.payload = bytes;
    entry.size = sizeof bytes;
    must(ipc_channel_try_read_into(ch, &entry).ipc_status == IPC_EMPTY);
}

int main(int argc, char **argv)
{
    IpcChannelConfiguration configuration =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);
    IpcChannelConnectResult joined;
    void *memory;

    must(argc == 3);
    memory = map(argv[1], O_CREAT);
    if (strcmp(argv[2], "create") == 0) {
        must(ipc_channel_create(memory, SIZE, configuration).ipc_status ==
             IPC_OK);
        return EXIT_SUCCESS;
    }
    joined = ipc_channel_connect_sized(memory, SIZE, configuration);
    must(joined.ipc_status == IPC_OK);
    if (strcmp(argv[2], "write") == 0)
        write_all(joined.result);
    else
        read_all(joined.result);
    ipc_channel_destroy(joined.result);
    return EXIT_SUCCESS;
}
