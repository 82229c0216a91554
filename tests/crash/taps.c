/* SPDX-License-Identifier: MIT */
/*
 * Taps. One that is stepped changes nothing, so its states are its
 * instructions: it is killed and stopped at some of them, with memory that it
 * cannot write to. And others tap what a victim left, or is stopped in.
 */
#include "crash.h"
#include <shmipc/ipc_tap.h>
#include <string.h>
#include <sys/mman.h>

static const unsigned char blank[SHMIPC_BLOCK];

/* What the words of a scene say was there in the lap before. */
static bool is_of_the_scene(const IpcEntry *entry)
{
    return entry->size == sizeof blank &&
           memcmp(entry->payload, blank, sizeof blank) == 0;
}

static IpcTap *tap_from(IpcTapStart start, IpcTapStart after_lag)
{
    const IpcTapOptions options = {
        .struct_size = sizeof options, .start = start, .after_lag = after_lag};
    IpcTapAttachResult r = ipc_tap_attach(region, region_size, &options);

    must(r.ipc_status == IPC_OK);
    return r.result;
}

static uint64_t offset_of(const IpcTap *tap)
{
    IpcTapInfo info = {.struct_size = sizeof info};

    must(ipc_tap_stats(tap, &info).ipc_status == IPC_OK);
    return info.offset;
}

static _Atomic uint8_t tapped[MESSAGES];

/* One entry, which is whole and was not seen before, and where *next says. */
static IpcStatus tap_one(IpcTap *tap, uint64_t *next)
{
    _Alignas(16) unsigned char bytes[SHMIPC_BLOCK * BLOCKS];
    IpcEntry entry = {0, bytes, sizeof bytes};
    IpcTapReadResult r = ipc_tap_read(tap, &entry);

    if (r.ipc_status == IPC_ERR_LAGGED) {
        must(r.error.body.lost > 0 && r.error.body.lost % SHMIPC_BLOCK == 0);
        *next += r.error.body.lost;
    }
    if (r.ipc_status != IPC_OK || is_of_the_scene(&entry)) {
        *next = offset_of(tap);
        return r.ipc_status;
    }
    notes = tapped;
    note_read(entry.payload, entry.size);
    notes = NULL;
    *next = offset_of(tap);
    return IPC_OK;
}

/* ------------------------------------------------------ of what a victim did
 */

/* `there`: what was there and had not been read; or NULL. */
void tap_all(const uint8_t *there)
{
    IpcTap *tap = tap_from(IPC_TAP_OLDEST, IPC_TAP_OLDEST);
    IpcStatus status;
    uint64_t next;

    memset(tapped, 0, sizeof tapped);
    do {
        status = tap_one(tap, &next);
        if (status == IPC_ERR_NOT_READY)
            status = ipc_tap_skip(tap).ipc_status;
    } while (status == IPC_OK || status == IPC_ERR_LAGGED);
    must(status == IPC_EMPTY || status == IPC_ERR_CLOSED);
    for (uint32_t id = 0; id < MESSAGES; id++) {
        must(tapped[id] <= 1);
        /* Of one producer's it may have to give some up (ipc_tap.h). */
        must(!there || !there[id] || tapped[id] ||
             mode & IPC_BUFFER_ONE_PRODUCER);
    }
    ipc_tap_destroy(tap);
}

/* ------------------------------------------------------------------ victims
 */

/* What a read returns begins where the last one ended, or as many bytes behind
 * as it was told. */
static void tap_to_the_end(IpcTapStart after_lag)
{
    IpcTap *tap;
    IpcStatus status;
    uint64_t next, at;

    must(mprotect(region, region_size, PROT_READ) == 0);
    tap = tap_from(IPC_TAP_OLDEST, after_lag);
    for (next = offset_of(tap);; next = offset_of(tap)) {
        at = next;
        status = tap_one(tap, &at);
        if (status != IPC_OK && status != IPC_ERR_LAGGED)
            break;
        must(status == IPC_ERR_LAGGED ? at == offset_of(tap)
                                      : at == next + SHMIPC_BLOCK);
    }
    must(status == IPC_EMPTY);
    ipc_tap_destroy(tap);
}

static void do_tap(IpcChannel *ch)
{
    (void)ch;
    tap_to_the_end(IPC_TAP_OLDEST);
}

static void do_tap_the_newest(IpcChannel *ch)
{
    (void)ch;
    tap_to_the_end(IPC_TAP_NEWEST);
}

static void do_tap_and_skip(IpcChannel *ch)
{
    IpcTap *tap;

    (void)ch;
    must(mprotect(region, region_size, PROT_READ) == 0);
    tap = tap_from(IPC_TAP_NEWEST, IPC_TAP_NOW);
    IPC_IGNORE(ipc_tap_skip(tap));
    must(ipc_tap_seek(tap, IPC_TAP_NOW).ipc_status == IPC_OK);
    ipc_tap_destroy(tap);
}

enum { ALL = 15 };

const struct operation operations_of_taps[] = {
    {"tap", three_messages, do_tap, NULL, 0, TAPS, ALL},
    {"tap-a-full-ring", full_ring, do_tap, NULL, 0, TAPS, ALL},
    {"tap-the-newest", three_messages, do_tap_the_newest, NULL, 0, TAPS, ALL},
    {"tap-and-skip", three_messages, do_tap_and_skip, NULL, 0, TAPS, ALL},
};

const size_t operation_of_taps_count =
    sizeof operations_of_taps / sizeof operations_of_taps[0];
