/* SPDX-License-Identifier: MIT */
/*
 * test_interrupt [-n ROUNDS]
 *
 * Interrupts a thread at any moment of its way to sleep, and cancels threads
 * there. The library has no cap on sleeps here, and who sleeps by the clock
 * does so for long: an interrupt that is lost hangs the test. Another handle of
 * the channel sleeps beside it, is woken along, and must not miss its entry for
 * that.
 */
#include "wait_test.h"
#include <limits.h>
#include <pthread.h>

struct target {
    IpcChannel *channel;
    bool writes;
    uint64_t rounds;
    _Atomic uint64_t allowed, begun, done;
};

struct neighbour {
    IpcChannel *channel;
    _Atomic uint64_t got;
};

static IpcChannelConfiguration sleeps_at_once(uint32_t wait)
{
    return (IpcChannelConfiguration){.max_round_trips = 1,
                                     .start_sleep_ns = LONG_MAX,
                                     .max_sleep_ns = LONG_MAX,
                                     .wait = wait,
                                     .spin_ns = IPC_CHANNEL_NO_SPIN};
}

static IpcStatus wait_for_ever(struct target *t)
{
    char copy[8];
    IpcEntry entry = {.payload = copy, .size = sizeof copy};

    return t->writes
               ? ipc_channel_write_blocking(t->channel, "x", 1).ipc_status
               : ipc_channel_read_into_blocking(t->channel, &entry).ipc_status;
}

static void *be_interrupted(void *argument)
{
    struct target *t = argument;

    for (uint64_t i = 1; i <= t->rounds; i++) {
        IpcStatus status;

        await(&t->allowed, i);
        atomic_store(&t->begun, i);
        status = wait_for_ever(t);
        CHECK_STATUS(status, IPC_ERR_INTERRUPTED);
        CHECK(ipc_channel_clear_interrupt(t->channel).result,
              "it was not interrupted");
        atomic_store(&t->done, i);
    }
    return NULL;
}

static void *read_until_closed(void *argument)
{
    struct neighbour *n = argument;
    IpcStatus status;
    IpcEntry entry;

    while (
        (status = ipc_channel_read_blocking(n->channel, &entry).ipc_status) ==
        IPC_OK) {
        free(entry.payload);
        atomic_fetch_add(&n->got, 1);
    }
    CHECK_STATUS(status, IPC_ERR_CLOSED);
    return NULL;
}

static IpcChannel *joined(const struct shared *s, uint32_t wait)
{
    IpcChannelConnectResult r =
        ipc_channel_connect_sized(s->memory, s->size, sleeps_at_once(wait));

    CHECK_STATUS(r.ipc_status, IPC_OK);
    return r.result;
}

static void fill_up(IpcChannel *channel)
{
    while (ipc_channel_write(channel, "x", 1).ipc_status == IPC_OK)
        continue;
}

static void interrupt_often(struct target *t, struct neighbour *n,
                            IpcChannel *writer)
{
    for (uint64_t i = 1; i <= t->rounds; i++) {
        atomic_store(&t->allowed, i);
        await(&t->begun, i);
        spin_for((int64_t)(i * 7919 % 20000));
        CHECK_STATUS(ipc_channel_interrupt(t->channel).ipc_status, IPC_OK);
        await(&t->done, i);
        if (t->writes)
            continue;
        CHECK_STATUS(ipc_channel_write(writer, "y", 1).ipc_status, IPC_OK);
        await(&n->got, i);
    }
}

static void run(uint32_t wait, bool writes, uint64_t rounds)
{
    struct target target = {.writes = writes, .rounds = rounds};
    struct neighbour neighbour = {0};
    pthread_t threads[2];
    struct shared s;

    if (!make_channel(&s, 512, IPC_WAIT_FUTEX))
        CHECK(false, "no channel");
    target.channel = joined(&s, wait);
    neighbour.channel = joined(&s, IPC_WAIT_FUTEX);
    if (writes)
        fill_up(s.channel);
    else
        pthread_create(&threads[1], NULL, read_until_closed, &neighbour);
    pthread_create(&threads[0], NULL, be_interrupted, &target);
    interrupt_often(&target, &neighbour, s.channel);
    pthread_join(threads[0], NULL);
    ipc_channel_close(s.channel);
    if (!writes)
        pthread_join(threads[1], NULL);
    ipc_channel_destroy(target.channel);
    ipc_channel_destroy(neighbour.channel);
    drop_channel(&s);
    printf("%s, %s: %llu interrupts\n", way_names[wait],
           writes ? "writer" : "reader", (unsigned long long)rounds);
}

/* AddressSanitizer trips over its own marks on the stack of a thread that was
 * cancelled, in whatever call. */
#if defined(__SANITIZE_ADDRESS__)
enum { CANCELS = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { CANCELS = 0 };
#else
enum { CANCELS = 1 };
#endif
#else
enum { CANCELS = 1 };
#endif

static void *be_cancelled(void *argument)
{
    struct target *t = argument;

    atomic_fetch_add(&t->begun, 1);
    wait_for_ever(t);
    CHECK(false, "it was not cancelled");
    return NULL;
}

static void cancel_often(uint32_t wait, bool writes, uint64_t rounds)
{
    IpcChannelConfiguration c = sleeps_at_once(wait);
    struct target target = {.writes = writes};
    IpcChannelConnectResult r;
    struct shared s;

    if (!make_channel(&s, 512, IPC_WAIT_FUTEX))
        CHECK(false, "no channel");
    c.options = IPC_CHANNEL_CANCELLATION_POINTS;
    r = ipc_channel_connect_sized(s.memory, s.size, c);
    CHECK_STATUS(r.ipc_status, IPC_OK);
    target.channel = r.result;
    if (writes)
        fill_up(s.channel);
    for (uint64_t i = 1; i <= rounds; i++) {
        pthread_t thread;
        void *end;

        pthread_create(&thread, NULL, be_cancelled, &target);
        await(&target.begun, i);
        spin_for((int64_t)(i * 7919 % 20000));
        pthread_cancel(thread);
        pthread_join(thread, &end);
        CHECK(end == PTHREAD_CANCELED, "it ended otherwise");
    }
    ipc_channel_destroy(target.channel);
    drop_channel(&s);
    printf("%s, %s: %llu cancellations\n", way_names[wait],
           writes ? "writer" : "reader", (unsigned long long)rounds);
}

int main(int argc, char **argv)
{
    uint64_t rounds = 10000;

    if (argc == 3 && strcmp(argv[1], "-n") == 0)
        rounds = strtoull(argv[2], NULL, 10);
    for (uint32_t wait = IPC_WAIT_FUTEX; wait < WAYS_END; wait++)
        if (is_possible(wait)) {
            run(wait, false, rounds);
            run(wait, true, rounds);
            if (CANCELS) {
                cancel_often(wait, false, rounds / 10);
                cancel_often(wait, true, rounds / 10);
            }
        }
    if (!CANCELS)
        printf("skipped: cancellations, under AddressSanitizer\n");
    return 0;
}
