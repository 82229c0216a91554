/* SPDX-License-Identifier: MIT */
/*
 * Taps on rings that are no queues: with subscribers, with none, and with
 * workers that read ahead of what they acknowledge.
 */
#include "broadcasts.h"
#include <shmipc/ipc_acknowledge.h>
#include <shmipc/ipc_tap.h>

enum { BLOCKS = 16 };

/* With and without a word for taps, where they can do without. */
static const uint32_t flag_sets[] = {
    IPC_BUFFER_TAPS,
    IPC_BUFFER_TAPS | IPC_BUFFER_ONE_PRODUCER,
    ATOMIC_KEEPS_ORDER ? 0 : IPC_BUFFER_TAPS,
    IPC_BUFFER_ONE_PRODUCER | (ATOMIC_KEEPS_ORDER ? 0 : IPC_BUFFER_TAPS),
};
enum { FLAG_SETS = sizeof flag_sets / sizeof flag_sets[0] };

static IpcTap *tap_of(const IpcBuffer *b)
{
    return result_of(ipc_tap_attach_buffer(b, NULL));
}

static IpcTapReadResult see(IpcTap *tap, uint64_t seed)
{
    unsigned char data[1024];
    IpcEntry entry = {0, data, sizeof data};
    IpcTapReadResult r = ipc_tap_read(tap, &entry);

    must(r.ipc_status != IPC_OK ||
         is_filled(data, entry.size, entry.offset / 64 + seed));
    return r;
}

Test(unit, a_tap_sees_what_subscribers_see)
{
    for (int i = 0; i < FLAG_SETS; i++) {
        void *memory;
        IpcBuffer *b = new_broadcast(BLOCKS, flag_sets[i], 2, &memory);
        IpcBuffer *subscriber = subscriber_of(memory, &from_oldest);
        IpcTap *tap = tap_of(b);

        for (uint64_t n = 0; n < 100; n++) {
            must_write(b, 60, n);
            must_work(see(tap, 0));
            must_read(subscriber, 60, n);
        }
        must_be(see(tap, 0).ipc_status, IPC_EMPTY);
        must_work(ipc_tap_destroy(tap));
        must_work(ipc_buffer_destroy(subscriber));
        must_work(ipc_buffer_destroy(b));
    }
}

/* Then producers go over what is there, and wait for nobody. */
Test(unit, a_tap_of_a_ring_without_subscribers_is_told_what_went_by)
{
    for (int i = 0; i < FLAG_SETS; i++) {
        IpcBuffer *b = new_broadcast(BLOCKS, flag_sets[i], 2, NULL);
        IpcTapInfo info = {.struct_size = sizeof info};
        IpcTap *tap = tap_of(b);
        uint64_t seen = 0;
        IpcTapReadResult r;

        for (uint64_t n = 0; n < 100; n++)
            must_write(b, 60, n);
        must_be(see(tap, 0).ipc_status, IPC_ERR_LAGGED);
        for (r = see(tap, 0); r.ipc_status == IPC_OK; r = see(tap, 0))
            seen++;
        must_be(r.ipc_status, IPC_EMPTY);
        must_work(ipc_tap_stats(tap, &info));
        must(info.lost + seen * 64 == 100 * 64);
        must(seen == BLOCKS || !(flag_sets[i] & IPC_BUFFER_TAPS));
        must(info.flags & IPC_BUFFER_BROADCAST);
        must_work(ipc_tap_destroy(tap));
        must_work(ipc_buffer_destroy(b));
    }
}

Test(unit, a_tap_sees_what_workers_have_acknowledged)
{
    for (int i = 0; i < FLAG_SETS; i++) {
        IpcBuffer *b =
            new_ring(BLOCKS, flag_sets[i] | IPC_BUFFER_ACKNOWLEDGE, NULL);
        IpcTap *tap = tap_of(b);
        /* One less than a lap, of which all is proven. */
        const uint64_t blocks = stats_of(b).capacity / 64 - 1;

        for (uint64_t n = 0; n < blocks; n++)
            must_write(b, 60, n);
        for (uint64_t n = 0; n < blocks; n++) {
            unsigned char data[64];
            IpcEntry entry = {0, data, sizeof data};

            must_work(ipc_buffer_read_ahead(b, &entry));
            must(result_of(ipc_buffer_acknowledge(b, entry.offset)) == 1);
        }
        for (uint64_t n = 0; n < blocks; n++)
            must_work(see(tap, 0));
        must_be(see(tap, 0).ipc_status, IPC_EMPTY);
        must_work(ipc_tap_destroy(tap));
        must_work(ipc_buffer_destroy(b));
    }
}
