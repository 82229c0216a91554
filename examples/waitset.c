/* SPDX-License-Identifier: MIT */
/*
 * 200 channels in one waitset: a server with a channel for each of its clients
 * waits for all of them at once. Four processes play 50 clients each: they send
 * orders at random moments and hang up by closing their channels. The server
 * reads what is ready, and is done when the last one has gone.
 *
 *     cc waitset.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 200, PROCESSES = 4, ORDERS = 20, READY = 16 };

struct client {
    int number;
    int orders; /* that arrived */
    IpcChannel *channel;
};

static struct client clients[CLIENTS];
static IpcWaitSet *set;

static int accept_client(struct client *client)
{
    const IpcChannelConfiguration configuration = {
        .max_round_trips = 1, .start_sleep_ns = 1000, .max_sleep_ns = 1000000};
    size_t size = (size_t)ipc_channel_align_size(4096);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    IpcChannelResult made;
    IpcWaitSetAddResult added;

    if (memory == MAP_FAILED)
        return -1;
    made = ipc_channel_create(memory, size, configuration);
    if (IpcChannelResult_is_error(made)) {
        fprintf(stderr, "create: %s\n", made.error.detail);
        return -1;
    }
    client->channel = made.result;
    added = ipc_waitset_add(set, client->channel, client);
    if (IpcWaitSetAddResult_is_error(added)) {
        fprintf(stderr, "add: %s\n", added.error.detail);
        return -1;
    }
    return 0;
}

/* In a process of its own: plays every fourth client. */
static int play_clients(int first)
{
    unsigned seed = (unsigned)first + 1;

    for (int order = 0; order < ORDERS; order++)
        for (int i = first; i < CLIENTS; i += PROCESSES) {
            const struct timespec pause = {.tv_nsec = rand_r(&seed) % 100000};

            nanosleep(&pause, NULL);
            if (IpcChannelWriteResult_is_error(ipc_channel_write_blocking(
                    clients[i].channel, &order, sizeof order)))
                return 1;
        }
    for (int i = first; i < CLIENTS; i += PROCESSES)
        ipc_channel_close(clients[i].channel);
    return 0;
}

/* Reads what there is. False: the client has hung up. */
static bool serve(struct client *client)
{
    int order;
    IpcEntry entry = {.payload = &order, .size = sizeof order};
    IpcChannelTryReadResult r;

    while (
        (r = ipc_channel_try_read_into(client->channel, &entry)).ipc_status ==
        IPC_OK)
        client->orders += order == client->orders;
    return r.ipc_status == IPC_EMPTY || r.ipc_status == IPC_ERR_NOT_READY;
}

static int serve_all(void)
{
    int left = CLIENTS;

    while (left > 0) {
        IpcWaitSetReady ready[READY];
        IpcWaitSetWaitResult r = ipc_waitset_wait(set, ready, READY, NULL);

        if (IpcWaitSetWaitResult_is_error(r)) {
            fprintf(stderr, "wait: %s\n", r.error.detail);
            return -1;
        }
        for (size_t i = 0; i < r.result; i++)
            if (!serve(ready[i].user)) {
                ipc_channel_destroy(ready[i].channel); /* leaves the set, too */
                left--;
            }
    }
    return 0;
}

int main(void)
{
    IpcWaitSetCreateResult created = ipc_waitset_create();
    int orders = 0, bad = 0, status;

    if (IpcWaitSetCreateResult_is_error(created))
        return 1;
    set = created.result;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].number = i;
        if (accept_client(&clients[i]) != 0)
            return 1;
    }
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            _exit(play_clients(i));
    bad |= serve_all();
    while (wait(&status) > 0)
        bad |= status;
    for (int i = 0; i < CLIENTS; i++)
        orders += clients[i].orders;
    ipc_waitset_destroy(set);
    printf("%d clients, %d orders\n", CLIENTS, orders);
    return bad != 0 || orders != CLIENTS * ORDERS;
}
