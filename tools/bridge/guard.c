/* SPDX-License-Identifier: MIT */
#include "bridge/guard.h"
#include "bridge/log.h"
#include "bridge/ticks.h"
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <zmq.h>

enum {
    LOOK_MS = 50,
    FDS_MAX = 4096, /* higher ones are cut off */
};

/* By its descriptor. */
struct connection {
    bool is_there, is_heard;
    uint32_t number;   /* of its messages, at the last look */
    uint64_t came;     /* bytes, by the last look that found a new message */
    uint64_t accepted; /* its turn among those that were */
};

struct guard {
    void *socket, *monitor;
    const char *title;
    pthread_t thread;
    bool by_thread;
    bool has_ended; /* a connection, since guard_look() */
    bool is_over;   /* no event comes any more */
    uint64_t looked_at;
    _Atomic uint32_t numbers[FDS_MAX]; /* of messages that came */
    struct connection connections[FDS_MAX];
    int highest; /* descriptor that was there */
    unsigned count, silent;
    uint64_t accepted;
    struct log_limit limit;
};

/* libzmq finds it ended, frees what it had gathered, and closes it. If that is
 * what it did just now, and the descriptor is another connection's already,
 * that one is made anew. */
static void cut_off(struct guard *g, int fd, const char *why)
{
    log_rarely(&g->limit, g->title, "a connection is cut off: %s", why);
    (void)shutdown(fd, SHUT_RDWR);
}

/* Bytes that libzmq has read from it, of all that it can have gathered. */
static bool read_from(int fd, uint64_t *bytes)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    int unread = 0;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_received) +
                   sizeof info.tcpi_bytes_received ||
        ioctl(fd, SIOCINQ, &unread) != 0)
        return false; /* ipc:// is for this user alone */
    *bytes = (uint64_t)info.tcpi_bytes_received - (uint64_t)unread;
    return true;
}

static void look_at(struct guard *g, int fd)
{
    struct connection *c = &g->connections[fd];
    /* Relaxed: a message that is counted late is seen at the next look. */
    uint32_t number =
        atomic_load_explicit(&g->numbers[fd], memory_order_relaxed);
    uint64_t came;

    if (!read_from(fd, &came))
        return;
    if (number != c->number) {
        c->number = number;
        c->came = came;
        g->silent -= !c->is_heard;
        c->is_heard = true;
    } else if (came - c->came > GUARD_GATHERED_MAX) {
        cut_off(g, fd, "it sends a message without end");
        c->came = came;
    }
}

static void look_at_all(struct guard *g)
{
    for (int fd = 0; g->count > 0 && fd <= g->highest; fd++)
        if (g->connections[fd].is_there)
            look_at(g, fd);
}

/* ------------------------------------------------------------ coming, going */

static void forget(struct guard *g, int fd)
{
    struct connection *c = &g->connections[fd];

    if (!c->is_there)
        return;
    g->silent -= !c->is_heard;
    g->count--;
    *c = (struct connection){0};
}

static void cut_off_oldest(struct guard *g)
{
    int oldest = -1;

    for (int fd = 0; fd <= g->highest; fd++) {
        const struct connection *c = &g->connections[fd];

        if (c->is_there && !c->is_heard &&
            (oldest < 0 || c->accepted < g->connections[oldest].accepted))
            oldest = fd;
    }
    cut_off(g, oldest, "too many others say nothing, either");
    forget(g, oldest);
}

static void meet(struct guard *g, int fd)
{
    if (fd < 0 || fd >= FDS_MAX) {
        cut_off(g, fd, "there are too many");
        return;
    }
    forget(g, fd);
    g->connections[fd] = (struct connection){
        .is_there = true,
        .number = atomic_load_explicit(&g->numbers[fd], memory_order_relaxed),
        .accepted = ++g->accepted,
    };
    g->count++;
    g->highest = fd > g->highest ? fd : g->highest;
    if (++g->silent > GUARD_SILENT_MAX) {
        /* Some may have spoken since the last look. */
        look_at_all(g);
        if (g->silent > GUARD_SILENT_MAX)
            cut_off_oldest(g);
    }
}

/* An event is two parts: a number and a value; an address. False: there is
 * none. */
static bool heed(struct guard *g)
{
    unsigned char event[6];
    uint16_t number;
    int32_t value;

    if (zmq_recv(g->monitor, event, sizeof event, ZMQ_DONTWAIT) < 0)
        return false;
    memcpy(&number, event, sizeof number);
    memcpy(&value, event + sizeof number, sizeof value);
    (void)zmq_recv(g->monitor, event, 0, ZMQ_DONTWAIT);
    if (number == ZMQ_EVENT_ACCEPTED || number == ZMQ_EVENT_CONNECTED)
        meet(g, value);
    else if (number == ZMQ_EVENT_DISCONNECTED && value >= 0 && value < FDS_MAX)
        forget(g, value);
    g->has_ended = g->has_ended || number == ZMQ_EVENT_DISCONNECTED;
    g->is_over = g->is_over || number == ZMQ_EVENT_MONITOR_STOPPED;
    return true;
}

bool guard_look(struct guard *g)
{
    uint64_t now = ticks_now();
    bool has_ended;

    while (heed(g))
        ;
    if (now - g->looked_at > LOOK_MS * TICKS_MS) {
        g->looked_at = now;
        look_at_all(g);
    }
    has_ended = g->has_ended;
    g->has_ended = false;
    return has_ended;
}

static void *run(void *argument)
{
    struct guard *g = argument;
    zmq_pollitem_t item = {g->monitor, 0, ZMQ_POLLIN, 0};

    /* An error is the context's end. */
    while (!g->is_over &&
           (zmq_poll(&item, 1, g->count > 0 ? LOOK_MS : -1) >= 0 ||
            errno == EINTR))
        (void)guard_look(g);
    return NULL;
}

/* -------------------------------------------------------------- start, stop */

void guard_heard(struct guard *g, int fd)
{
    if (fd >= 0 && fd < FDS_MAX)
        /* Relaxed: a hint, see look_at(). */
        atomic_fetch_add_explicit(&g->numbers[fd], 1, memory_order_relaxed);
}

static bool begin(struct guard *g, void *context, void *socket)
{
    /* Of which there is no second one: the name of a socket that was closed may
     * be in use for a while. Relaxed: it orders nothing. */
    static _Atomic unsigned number;
    char address[64];

    snprintf(address, sizeof address, "inproc://bridge-guard-%u",
             atomic_fetch_add_explicit(&number, 1, memory_order_relaxed));
    if (zmq_socket_monitor(socket, address,
                           ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED |
                               ZMQ_EVENT_DISCONNECTED |
                               ZMQ_EVENT_MONITOR_STOPPED) != 0)
        return false;
    g->monitor = zmq_socket(context, ZMQ_PAIR);
    return g->monitor && zmq_connect(g->monitor, address) == 0 &&
           (!g->by_thread || pthread_create(&g->thread, NULL, run, g) == 0);
}

struct guard *guard_start(void *context, void *socket, const char *title,
                          bool by_thread)
{
    struct guard *g = calloc(1, sizeof *g);
    int error;

    if (!g)
        return NULL;
    g->socket = socket;
    g->title = title;
    g->by_thread = by_thread;
    if (begin(g, context, socket))
        return g;
    error = errno;
    (void)zmq_socket_monitor(socket, NULL, 0);
    if (g->monitor)
        zmq_close(g->monitor);
    free(g);
    errno = error;
    return NULL;
}

void guard_stop(struct guard *g)
{
    if (!g)
        return;
    /* An event for a monitor that is closed would keep libzmq's own threads
     * waiting. This one is the last, and ends the thread. */
    (void)zmq_socket_monitor(g->socket, NULL, 0);
    if (g->by_thread)
        pthread_join(g->thread, NULL);
    zmq_close(g->monitor);
    free(g);
}
