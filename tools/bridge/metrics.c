/* SPDX-License-Identifier: MIT */
#include "bridge/metrics.h"
#include "bridge/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURN_MS = 100, PATIENCE_MS = 1000, BACKLOG = 8, REQUEST_MOST = 4096 };

struct metrics {
    int fd;
    pthread_t thread;
    _Atomic bool stops;
    struct fleet *fleet;
};

/* ----------------------------------------------------------------- figures */

static const struct figure {
    const char *name, *type, *help;
    size_t at; /* in struct counters */
    bool is_ns;
} figures[] = {
#define FIGURE(name, type, member, is_ns, help)                                \
    {                                                                          \
        "shmipc_bridge_" name, type, help, offsetof(struct counters, member),  \
            is_ns                                                              \
    }
    FIGURE("messages_total", "counter", messages, false,
           "Messages sent the first time, or written."),
    FIGURE("bytes_total", "counter", bytes, false, "Bytes of these."),
    FIGURE("sessions_total", "counter", sessions, false,
           "Sessions begun; all but the first are reconnects."),
    FIGURE("repeated_total", "counter", repeated, false,
           "Messages sent again."),
    FIGURE("duplicates_total", "counter", duplicates, false,
           "Messages that came again, and were left out."),
    FIGURE("restarts_total", "counter", restarts, false,
           "Times that something was missing and asked for again."),
    FIGURE("gaps_total", "counter", gaps, false,
           "Times that something is missing for good."),
    FIGURE("lost_bytes_total", "counter", lost, false,
           "Bytes that are missing for good, as far as is known."),
    FIGURE("ambiguous_total", "counter", ambiguous, false,
           "Messages that may have come twice."),
    FIGURE("malformed_total", "counter", malformed, false,
           "What came and was no message."),
    FIGURE("full_total", "counter", full, false,
           "Times that the far channel was full."),
    FIGURE("up", "gauge", is_up, false, "1: a session has begun."),
    FIGURE("lag_bytes", "gauge", lag_bytes, false,
           "Bytes written and not acknowledged."),
    FIGURE("lag_seconds", "gauge", lag_ns, true,
           "Since the oldest message was sent that is not acknowledged."),
#undef FIGURE
};

struct page {
    FILE *to;
    const struct figure *figure;
};

/* A label's value: what would end it is escaped. */
static void print_label(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', to);
        fputc(*text == '\n' ? ' ' : *text, to);
    }
}

static void print_route(struct route *route, void *user)
{
    const struct page *page = user;
    const void *at = (const unsigned char *)&route->counters + page->figure->at;
    uint64_t value = counters_get(at);

    fprintf(page->to, "%s{direction=\"%s\",channel=\"", page->figure->name,
            route->options.is_far ? "in" : "out");
    print_label(page->to, route->options.name);
    fputs("\",address=\"", page->to);
    print_label(page->to, route->options.address);
    if (page->figure->is_ns)
        fprintf(page->to, "\"} %.6f\n", (double)value / 1e9);
    else
        fprintf(page->to, "\"} %" PRIu64 "\n", value);
}

static void print_all(FILE *to, struct fleet *fleet)
{
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        struct page page = {to, &figures[i]};

        fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", figures[i].name,
                figures[i].help, figures[i].name, figures[i].type);
        fleet_look(fleet, print_route, &page);
    }
}

/* -------------------------------------------------------------------- HTTP */

/* Until its head has ended, which is all that is looked at. */
static bool read_request(int fd)
{
    char text[REQUEST_MOST + 1];
    size_t used = 0;
    ssize_t got;

    while (used < REQUEST_MOST &&
           (got = recv(fd, text + used, REQUEST_MOST - used, 0)) > 0) {
        used += (size_t)got;
        text[used] = '\0';
        if (strstr(text, "\r\n\r\n") || strstr(text, "\n\n"))
            return strncmp(text, "GET ", 4) == 0;
    }
    return false;
}

static void send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        data += sent;
        size -= (size_t)sent;
    }
}

static void answer(const struct metrics *m, int fd)
{
    char *body = NULL, head[128];
    size_t size = 0;
    FILE *to;
    int used;

    if (!read_request(fd))
        return;
    to = open_memstream(&body, &size);
    if (!to)
        return;
    print_all(to, m->fleet);
    if (fclose(to) == 0) {
        used = snprintf(head, sizeof head,
                        "HTTP/1.0 200 OK\r\nContent-Type: text/plain; "
                        "version=0.0.4\r\nContent-Length: %zu\r\n\r\n",
                        size);
        send_all(fd, head, (size_t)used);
        send_all(fd, body, size);
    }
    free(body);
}

/* One after the other; who is slow is waited for at most a moment. */
static void *run(void *argument)
{
    const struct timeval patience = {0, PATIENCE_MS * 1000 / 2};
    struct metrics *m = argument;

    while (!atomic_load(&m->stops)) {
        struct pollfd item = {m->fd, POLLIN, 0};
        int fd;

        if (poll(&item, 1, TURN_MS) <= 0)
            continue;
        fd = accept4(m->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        answer(m, fd);
        close(fd);
    }
    return NULL;
}

static bool listen_at(struct metrics *m, uint16_t port)
{
    const struct sockaddr_in here = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const int yes = 1;

    m->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return m->fd >= 0 &&
           setsockopt(m->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
           bind(m->fd, (const struct sockaddr *)&here, sizeof here) == 0 &&
           listen(m->fd, BACKLOG) == 0;
}

struct metrics *metrics_start(uint16_t port, struct fleet *fleet)
{
    struct metrics *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->fleet = fleet;
    if (listen_at(m, port) && pthread_create(&m->thread, NULL, run, m) == 0)
        return m;
    log_line(NULL, "port %u for figures: %s", (unsigned)port, strerror(errno));
    if (m->fd >= 0)
        close(m->fd);
    free(m);
    return NULL;
}

void metrics_stop(struct metrics *m)
{
    atomic_store(&m->stops, true);
    pthread_join(m->thread, NULL);
    close(m->fd);
    free(m);
}
