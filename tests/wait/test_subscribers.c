/* SPDX-License-Identifier: MIT */
/*
 * Subscribers that poll: each is woken by each message, whichever way they
 * wait, though others are woken by the same one and take their wakes back.
 *
 *     test_subscribers [-n messages]
 *
 * Linked with the library whose sleeps have no cap: a wake that one takes from
 * another is a timeout.
 */
#include "wait_test.h"
#include <shmipc/ipc_subscribe.h>
#include <errno.h>
#include <poll.h>

enum { READERS = 3 };

static struct {
    _Atomic int got[READERS]; /* messages, of each */
} * shared;

static IpcChannel *create(void **memory, uint32_t wait)
{
    IpcChannelConfiguration c = configuration_of(wait);
    IpcChannelResult r;
    size_t size;

    c.flags |= IPC_BUFFER_BROADCAST;
    c.max_subscribers = READERS;
    size = (size_t)ipc_channel_align_size(4096) + READERS * IPC_SUBSCRIBER_SIZE;
    *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(*memory != MAP_FAILED, "mmap");
    r = ipc_channel_create(*memory, size, c);
    CHECK(r.ipc_status == IPC_OK, "%s", r.error.detail);
    return r.result;
}

static void sleep_until_readable(int fd)
{
    struct pollfd what = {.fd = fd, .events = POLLIN};
    int ready = poll(&what, 1, (int)patience.tv_sec * 1000);

    CHECK(ready > 0 || (ready < 0 && errno == EINTR), "it slept on");
}

static void read_all(IpcChannel *channel, int reader, int messages)
{
    int fd = ipc_channel_fd(channel).result;

    for (int next = 0; next < messages;) {
        int got;
        IpcEntry entry = {.payload = &got, .size = sizeof got};
        IpcStatus status =
            ipc_channel_try_read_into(channel, &entry).ipc_status;

        if (status == IPC_EMPTY || status == IPC_ERR_NOT_READY) {
            sleep_until_readable(fd);
            continue;
        }
        CHECK_STATUS(status, IPC_OK);
        CHECK(got == next, "%d instead of %d", got, next);
        shared->got[reader] = ++next;
    }
}

static pid_t start_reader(IpcChannel *channel, int reader, int messages)
{
    pid_t pid = fork();

    CHECK(pid >= 0, "fork");
    if (pid > 0)
        return pid;
    CHECK_STATUS(ipc_channel_subscribe(channel, NULL).ipc_status, IPC_OK);
    shared->got[reader] = 0;
    read_all(channel, reader, messages);
    CHECK_STATUS(ipc_channel_unsubscribe(channel).ipc_status, IPC_OK);
    _exit(0);
}

/* By those whose turn it is; else one of them reads on without sleeping. */
static void wait_until_all_have(int count)
{
    for (int i = 0; i < READERS; i++)
        for (long rests = 0; shared->got[i] < count; rests++) {
            CHECK(rests < 60000, "reader %d has %d of %d", i, shared->got[i],
                  count);
            usleep(rests < 100 ? 10 : 1000);
        }
}

static void each_gets_each_wake(uint32_t wait, int messages)
{
    void *memory;
    IpcChannel *channel = create(&memory, wait);
    pid_t readers[READERS];

    for (int i = 0; i < READERS; i++) {
        shared->got[i] = -1;
        readers[i] = start_reader(channel, i, messages);
    }
    wait_until_all_have(0);
    for (int i = 0; i < messages; i++) {
        IpcStatus status =
            ipc_channel_write_with_timeout(channel, &i, sizeof i, &patience)
                .ipc_status;

        CHECK_STATUS(status, IPC_OK);
        if (i % 8)
            wait_until_all_have(i + 1);
    }
    for (int i = 0; i < READERS; i++)
        reap_child(readers[i]);
    ipc_channel_destroy(channel);
    printf("%s: %d messages to %d readers\n", way_names[wait], messages,
           READERS);
}

int main(int argc, char **argv)
{
    int messages =
        argc == 3 && strcmp(argv[1], "-n") == 0 ? atoi(argv[2]) : 300;

    setvbuf(stdout, NULL, _IOLBF, 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED, "mmap");
    for (uint32_t wait = IPC_WAIT_FUTEX; wait < WAYS_END; wait++)
        if (wait != IPC_WAIT_SLEEP && is_possible(wait))
            each_gets_each_wake(wait, messages);
    return 0;
}
