/* SPDX-License-Identifier: MIT */
#include "service/link.h"
#include "cancel.h"
#include "service/door.h"
#include "wait/clock.h"
#include <stdlib.h>

enum { FIRST_PAUSE_NS = 100 * 1000, LAST_PAUSE_NS = 5 * 1000 * 1000 };

/* Of one attempt: nobody serves yet. */
#define AGAIN IPC_ERR_NOT_FOUND

static IpcStatus open_channel(const char *name, const IpcOpenOptions *options,
                              IpcChannel **channel, IpcOpenError *body,
                              const char **detail)
{
    const IpcChannelOpenResult opened = ipc_channel_open(name, options);

    if (opened.ipc_status == IPC_OK) {
        *channel = opened.result;
    } else {
        *body = opened.error.body;
        *detail = opened.error.detail;
    }
    return opened.ipc_status;
}

static IpcStatus open_requests(struct link *link,
                               const struct link_options *options,
                               IpcOpenError *body, const char **detail)
{
    IpcStatus status = open_channel(options->service, &options->requests,
                                    &link->requests, body, detail);

    /* It may be half made: somebody comes. */
    if (status == IPC_ERR_INITIALIZING)
        return AGAIN;
    if (status != IPC_OK)
        return status;
    if (!crew_can_serve(link->requests)) {
        *detail = "of that name there is a channel that is no service's: use "
                  "the name that was given to ipc_service_open";
        return IPC_ERR_NOT_FORMATTED;
    }
    link->known_dead = crew_make_known(link->requests);
    if (!link->known_dead) {
        *detail = "malloc failed: no memory for the client";
        return IPC_ERR_ALLOCATION;
    }
    link->crew = crew_look(link->requests, false, link->known_dead);
    return link->crew.state == CREW_SERVES ? IPC_OK : AGAIN;
}

static IpcStatus say(struct link *link, enum frame_kind kind, int64_t until)
{
    const struct frame_request head = {.client = link->number,
                                       .deadline = INT64_MAX,
                                       .kind = FRAME_FORM | kind};
    IpcStatus status = frame_write(link->requests, &head, sizeof head, NULL, 0);

    return status == IPC_ERR_NO_SPACE_CONTIGUOUS && until != 0
               ? frame_write_until(link->requests, &head, sizeof head, NULL, 0,
                                   until)
               : status;
}

/* Who serves is told the number first: see frame.h. */
static IpcStatus make_answers(struct link *link,
                              const struct link_options *options, int64_t until,
                              IpcOpenError *body, const char **detail)
{
    char name[FRAME_NAME_ROOM];
    IpcStatus status;

    link->number = process_creation_number(0);
    *detail = "the service could not be told of this client: too many "
              "processes call it (IPC_ERR_OWNERS_FULL), or requests wait and "
              "nobody receives them (IPC_ERR_TIMEOUT)";
    status = say(link, FRAME_HELLO, until);
    if (status == IPC_ERR_CLOSED)
        return AGAIN;
    if (status != IPC_OK)
        return status;
    frame_answers_name(name, options->service, link->number);
    status =
        open_channel(name, &options->answers, &link->answers, body, detail);
    /* Now, so that from its first moment it is known whose it is. */
    if (status == IPC_OK)
        status = handle_consume(&link->answers->buffer);
    return status;
}

static IpcStatus attempt(struct link *link, const struct link_options *options,
                         int64_t until, IpcOpenError *body, const char **detail)
{
    IpcStatus status = open_requests(link, options, body, detail);

    if (status == IPC_OK)
        status = make_answers(link, options, until, body, detail);
    if (status != IPC_OK)
        link_close(link, options, false);
    return status;
}

static IpcStatus try_until(struct link *link,
                           const struct link_options *options, int64_t until,
                           IpcOpenError *body, const char **detail)
{
    int64_t pause = FIRST_PAUSE_NS;

    for (;;) {
        IpcStatus status;

        *link = (struct link){0};
        status = attempt(link, options, until, body, detail);
        if (status != AGAIN)
            return status;
        if (clock_is_past(until)) {
            *detail = "nobody serves by that name: start the server first, or "
                      "wait longer (options.timeout_ns)";
            return IPC_ERR_NOT_FOUND;
        }
        clock_sleep_until(clock_earlier(until, clock_after(pause)));
        pause = clock_earlier(pause * 2, LAST_PAUSE_NS);
    }
}

IpcStatus link_open(struct link *link, const struct link_options *options,
                    int64_t until, IpcOpenError *body, const char **detail)
{
    int state = cancel_disable();
    IpcStatus status = try_until(link, options, until, body, detail);

    cancel_restore(state);
    return status;
}

void link_close(struct link *link, const struct link_options *options,
                bool inherited)
{
    char name[FRAME_NAME_ROOM];

    if (link->answers && !inherited) {
        /* Closed first: so that it is believed when we say that we leave. */
        channel_close(link->answers);
        say(link, FRAME_BYE, 0);
        frame_answers_name(name, options->service, link->number);
        ipc_channel_unlink(name);
        door_tidy(link->requests);
    }
    if (link->answers)
        ipc_channel_destroy(link->answers);
    if (link->requests)
        ipc_channel_destroy(link->requests);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): each attempt makes its own */
    free(link->known_dead);
    *link = (struct link){0};
}
