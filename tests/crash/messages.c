/* SPDX-License-Identifier: MIT */
/* What is written, read and noted; by the victim, and by others. */
#include "crash.h"
#include <shmipc/ipc_acknowledge.h>
#include <string.h>
#include <time.h>

void fill(struct message *m, uint32_t id, size_t size)
{
    m->id = id;
    m->check = ~id;
    for (size_t i = 8; i < size; i++)
        m->rest[i - 8] = (unsigned char)(id + i);
}

_Atomic uint8_t *notes;

void note_read(const void *payload, size_t size)
{
    struct message m;

    must(size >= 8 && size <= sizeof m);
    memcpy(&m, payload, size);
    must(m.check == ~m.id && m.id < MESSAGES);
    for (size_t i = 8; i < size; i++)
        must(m.rest[i - 8] == (unsigned char)(m.id + i));
    must(ledger->began[m.id]);
    (notes ? notes : ledger->seen)[m.id]++;
}

void note_began(uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ledger->began[first + i] = 1;
}

void note_written(uint32_t first, uint32_t count, size_t written)
{
    for (uint32_t i = 0; i < count; i++)
        if (i < written)
            ledger->written[first + i] = 1;
        else
            ledger->began[first + i] = 0;
}

IpcStatus write_one(IpcChannel *ch, uint32_t id, size_t size)
{
    struct message m;
    IpcStatus status;

    fill(&m, id, size);
    note_began(id, 1);
    status = ipc_channel_write(ch, &m, size).ipc_status;
    note_written(id, 1, status == IPC_OK);
    return status;
}

/* What was read ahead of its acknowledgement. */
static IpcStatus acknowledge_one(IpcChannel *ch, const IpcEntry *entry)
{
    struct message m;
    size_t size = entry->size;

    must(size <= sizeof m);
    memcpy(&m, entry->payload, size);
    must(ipc_channel_acknowledge(ch, entry->offset).ipc_status == IPC_OK);
    note_read(&m, size);
    return IPC_OK;
}

IpcStatus read_one(IpcChannel *ch, long timeout_ms)
{
    const struct timespec timeout = {timeout_ms / 1000,
                                     timeout_ms % 1000 * 1000000};
    struct message m;
    IpcEntry entry = {0, &m, sizeof m};
    IpcStatus status;

    if (is_work()) {
        status = ipc_channel_read_ahead_with_timeout(ch, &entry, &timeout)
                     .ipc_status;
        return status == IPC_OK ? acknowledge_one(ch, &entry) : status;
    }
    status =
        ipc_channel_read_into_with_timeout(ch, &entry, &timeout).ipc_status;
    if (status == IPC_OK)
        note_read(&m, entry.size);
    return status;
}

IpcStatus try_read_one(IpcChannel *ch)
{
    struct message m;
    IpcEntry entry = {0, &m, sizeof m};
    IpcStatus status;

    if (is_work()) {
        status = ipc_channel_try_read_ahead(ch, &entry).ipc_status;
        return status == IPC_OK ? acknowledge_one(ch, &entry) : status;
    }
    status = ipc_channel_try_read_into(ch, &entry).ipc_status;
    if (status == IPC_OK)
        note_read(&m, entry.size);
    return status;
}

IpcStatus try_to_join(IpcChannel **ch)
{
    IpcChannelConfiguration configuration =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);
    IpcChannelConnectResult r;

    configuration.spin_ns = IPC_CHANNEL_NO_SPIN;
    r = ipc_channel_connect_sized(region, region_size, configuration);
    *ch = r.ipc_status == IPC_OK ? r.result : NULL;
    return r.ipc_status;
}

IpcChannel *join(void)
{
    IpcChannel *ch;

    must(try_to_join(&ch) == IPC_OK);
    return ch;
}
