/* SPDX-License-Identifier: MIT */
/*
 * Handles that only observe, and memory that is mapped for reading only, where
 * a store would be a fault.
 */
#include "channels.h"
#include <shmipc/ipc_batch.h>

enum { BLOCKS = 16 };

static size_t size;
static void *writable, *readable;

/* The same pages twice. */
static void map_twice(uint32_t owners)
{
    long page = sysconf(_SC_PAGESIZE);
    int fd = memfd_create("observers", MFD_CLOEXEC);

    size = (ring_size(BLOCKS, owners) + (size_t)page - 1) / (size_t)page *
           (size_t)page;
    must(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    writable = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    readable = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    must(writable != MAP_FAILED && readable != MAP_FAILED);
    close(fd);
}

static IpcBuffer *observer_of(const void *memory)
{
    IpcBufferAttachResult r = ipc_buffer_observe(memory, size);

    must_work(r);
    return r.result;
}

/* What says that of all calls that would store. */
static void must_refuse(IpcBuffer *b)
{
    const IpcStatus refused = IPC_ERR_READ_ONLY;
    char bytes[64] = {1};
    struct iovec piece = {bytes, 10};
    IpcEntry entry = {0, bytes, sizeof bytes};
    IpcReservation to = {0};

    must_fail(ipc_buffer_write(b, bytes, 10), refused);
    must_fail(ipc_buffer_writev(b, &piece, 1), refused);
    must_fail(ipc_buffer_reserve(b, 10, &to), refused);
    must_fail(ipc_buffer_write_batch(b, &piece, 1), refused);
    must_fail(ipc_buffer_write_array(b, bytes, 8, 2), refused);
    must_fail(ipc_buffer_read(b, &entry), refused);
    must_fail(ipc_buffer_read_batch(b, &entry, 1, bytes, sizeof bytes),
              refused);
    must_fail(ipc_buffer_read_array(b, bytes, 8, 2), refused);
    must_fail(ipc_buffer_skip(b, 0), refused);
    must_fail(ipc_buffer_skip_force(b), refused);
    must_fail(ipc_buffer_recover(b), refused);
    must_fail(ipc_buffer_recover_force(b), refused);
    must(strstr(ipc_buffer_write(b, bytes, 10).error.detail, "reading only"));
    must(strstr(ipc_buffer_read(b, &entry).error.detail, "reading only"));
    must(ipc_buffer_commit(b, &to, 1).ipc_status < 0);
    must(ipc_buffer_abort(b, &to).ipc_status < 0);
}

Test(unit, an_observer_sees_and_stores_nothing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b, *observers[3];

        map_twice(8);
        b = make_ring(writable, BLOCKS, 8, mode);
        observers[0] = observer_of(readable);
        observers[1] = observer_of(writable);
        observers[2] = ipc_buffer_attach(readable).result;
        must_write(b, 100, 1);
        for (int i = 0; i < 3; i++) {
            void *copy = malloc(size);
            IpcEntry entry;

            memcpy(copy, writable, size);
            must(stats_of(observers[i]).flags == mode);
            must(stats_of(observers[i]).owners == stats_of(b).owners);
            must_work(ipc_buffer_peek(observers[i], &entry));
            must(entry.size == 100 && is_filled(entry.payload, 100, 1));
            must_refuse(observers[i]);
            must_work(ipc_buffer_destroy(observers[i]));
            must(memcmp(copy, writable, size) == 0);
            free(copy);
        }
        must_read(b, 100, 1);
    }
}

Test(unit, an_observer_looks_past_filler_and_says_what_it_finds)
{
    IpcBuffer *b, *observer;
    IpcReservation open;
    IpcEntry entry;

    map_twice(8);
    b = make_ring(writable, BLOCKS, 8, 0);
    observer = observer_of(readable);
    must_be(ipc_buffer_peek(observer, &entry).ipc_status, IPC_EMPTY);
    must_work(ipc_buffer_reserve(b, 100, &open));
    must_fail(ipc_buffer_peek(observer, &entry), IPC_ERR_NOT_READY);
    must_write(b, 30, 2);
    must_work(ipc_buffer_abort(b, &open));
    must_work(ipc_buffer_peek(observer, &entry));
    must(entry.size == 30 && is_filled(entry.payload, 30, 2));
    must(entry.offset == 128);
    *control_of(writable, 2) ^= 0xf0; /* no such size at this place */
    *control_of(writable, 2) |= UINT64_C(0xffffff0);
    must_fail(ipc_buffer_peek(observer, &entry), IPC_ERR_CORRUPTED);
}

Test(unit, an_observer_sees_that_a_channel_was_closed)
{
    IpcChannelConfiguration configuration = quick;
    IpcBuffer *observer;
    IpcChannel *ch;
    IpcEntry entry;

    map_twice(8);
    ch = ipc_channel_create(writable, size, configuration).result;
    observer = observer_of(readable);
    must_send(ch, 10, 1);
    must_work(ipc_channel_close(ch));
    must_work(ipc_buffer_peek(observer, &entry));
    must_receive(ch, 10, 1);
    must_fail(ipc_buffer_peek(observer, &entry), IPC_ERR_CLOSED);
}

Test(unit, what_needs_to_store_is_refused_in_such_memory)
{
    IpcChannelConfiguration configuration = quick;
    IpcChannelConnectResult connected;

    map_twice(8);
    must_fail(ipc_buffer_create(readable, size), IPC_ERR_READ_ONLY);
    must_fail(ipc_channel_create(readable, size, configuration),
              IPC_ERR_READ_ONLY);
    must_fail(ipc_buffer_observe(readable, size), IPC_ERR_NOT_FORMATTED);
    must_work(ipc_channel_create(writable, size, configuration));
    connected = ipc_channel_connect(readable, configuration);
    must_fail(connected, IPC_ERR_READ_ONLY);
    must(strstr(connected.error.detail, "reading only"));
    must_fail(ipc_channel_connect_sized(readable, size, configuration),
              IPC_ERR_READ_ONLY);
}

Test(unit, an_observer_is_told_that_the_memory_was_formatted_anew)
{
    IpcBuffer *observer;
    IpcEntry entry;

    map_twice(8);
    make_ring(writable, BLOCKS, 8, 0);
    observer = observer_of(readable);
    make_ring(writable, BLOCKS, 8, 0);
    must_fail(ipc_buffer_peek(observer, &entry), IPC_ERR_FORMATTED_ANEW);
}

Test(unit, observing_refuses_what_attaching_refuses)
{
    map_twice(8);
    must_fail(ipc_buffer_observe(NULL, size), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_observe(writable, 0), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_observe(writable, size), IPC_ERR_NOT_FORMATTED);
    make_ring(writable, BLOCKS, 8, 0);
    must_fail(ipc_buffer_observe(writable, 100), IPC_ERR_TRUNCATED);
}
