/* SPDX-License-Identifier: MIT */
#include "service/frame.h"
#include "place/options.h"
#include "ring/layout.h"
#include "wait/clock.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    /* Up to here one more copy is cheaper than an entry of two pieces. */
    SMALL = 256,
};

void frame_answers_name(char *name, const char *service, uint64_t client)
{
    snprintf(name, FRAME_NAME_ROOM, "%s.%016" PRIx64, service, client);
}

IpcStatus frame_check_name(const char *service, const char **detail)
{
    IpcStatus status = options_check_name(service, 0, detail);

    if (status != IPC_OK)
        return status;
    if (strlen(service) - (*service == '/') + FRAME_DIGITS > NAME_MAX) {
        *detail = "the name is too long: at most 238 bytes, since the channels "
                  "of answers add 17 to it";
        return IPC_ERR_INVALID_ARGUMENT;
    }
    return IPC_OK;
}

uint64_t frame_size_for(uint64_t size, uint32_t owners)
{
    const uint64_t slots = owners * (uint64_t)sizeof(struct shm_owner);

    return size < UINT64_MAX - slots ? size + slots : size;
}

IpcStatus frame_write(IpcChannel *channel, const void *head, size_t head_size,
                      const void *data, size_t size)
{
    unsigned char whole[SMALL];
    struct iovec pieces[2];

    if (size <= SMALL - head_size) {
        memcpy(whole, head, head_size);
        if (size > 0)
            memcpy(whole + head_size, data, size);
        return ipc_channel_write(channel, whole, head_size + size).ipc_status;
    }
    pieces[0].iov_base = (void *)(uintptr_t)head; /* NOLINT(*-no-int-to-ptr) */
    pieces[0].iov_len = head_size;
    pieces[1].iov_base = (void *)(uintptr_t)data; /* NOLINT(*-no-int-to-ptr) */
    pieces[1].iov_len = size;
    return ipc_channel_writev(channel, pieces, 2).ipc_status;
}

/* How long it is until then. */
static struct timespec timeout_of(int64_t until)
{
    int64_t left = until - clock_now();

    return clock_timespec(left > 0 ? left : 0);
}

IpcStatus frame_write_until(IpcChannel *channel, const void *head,
                            size_t head_size, const void *data, size_t size,
                            int64_t until)
{
    const struct timespec timeout = timeout_of(until);
    struct iovec pieces[2];

    pieces[0].iov_base = (void *)(uintptr_t)head; /* NOLINT(*-no-int-to-ptr) */
    pieces[0].iov_len = head_size;
    pieces[1].iov_base = (void *)(uintptr_t)data; /* NOLINT(*-no-int-to-ptr) */
    pieces[1].iov_len = size;
    return ipc_channel_writev_with_timeout(channel, pieces, size > 0 ? 2 : 1,
                                           &timeout)
        .ipc_status;
}
