/* SPDX-License-Identifier: MIT */
/*
 * Options of a program that was compiled with newer headers: larger than this
 * library's, which takes them if what it does not know is zero.
 */
#include "helpers.h"

#include <shmipc/shmipc.h>
#include <stddef.h>
#include <string.h>

enum { MORE = 24, ROOM = 8192, MEMORY = 16384 };

/* Options of any kind, and more bytes than options can have. */
union options {
    size_t struct_size;
    IpcBufferOptions buffer;
    IpcOpenOptions open;
    IpcMmapOptions mmap;
    IpcSubscription subscription;
    IpcTapOptions tap;
    IpcServiceOptions service;
    IpcClientOptions client;
    unsigned char bytes[ROOM];
};

static _Alignas(64) unsigned char memory[MEMORY];
static IpcBuffer *ring;

static IpcStatus create(const union options *o)
{
    IpcBufferCreateResult r =
        ipc_buffer_create_with_options(memory, MEMORY, &o->buffer);

    if (r.ipc_status == IPC_OK)
        must_work(ipc_buffer_destroy(r.result));
    return r.ipc_status;
}

static IpcStatus open_memory(const union options *o)
{
    union options changed = *o;
    IpcChannelOpenResult r;

    changed.open.flags |= IPC_OPEN_MEMFD;
    r = ipc_channel_open("grown", &changed.open);
    if (r.ipc_status == IPC_OK)
        must_work(ipc_channel_destroy(r.result));
    return r.ipc_status;
}

static IpcStatus map(const union options *o)
{
    char name[64];
    IpcMemorySegmentResult r;

    snprintf(name, sizeof name, "/shmipc-unit-grow-%d", (int)getpid());
    r = ipc_mmap_with_options(name, 4096, &o->mmap);
    if (r.ipc_status == IPC_OK)
        must_work(ipc_unlink(r.result));
    return r.ipc_status;
}

static IpcStatus subscribe(const union options *o)
{
    IpcStatus status = ipc_buffer_subscribe(ring, &o->subscription).ipc_status;

    if (status == IPC_OK)
        must_work(ipc_buffer_unsubscribe(ring));
    return status;
}

static IpcStatus tap(const union options *o)
{
    IpcTapAttachResult r = ipc_tap_attach_buffer(ring, &o->tap);

    if (r.ipc_status == IPC_OK)
        must_work(ipc_tap_destroy(r.result));
    return r.ipc_status;
}

static IpcStatus serve(const union options *o)
{
    char name[64];
    IpcServiceOpenResult r;

    snprintf(name, sizeof name, "/shmipc-unit-grow-%d", (int)getpid());
    r = ipc_service_open(name, &o->service);
    if (r.ipc_status == IPC_OK)
        must_work(ipc_service_destroy(r.result));
    return r.ipc_status;
}

/* Nobody serves: options that are taken lead to that answer. */
static IpcStatus call(const union options *o)
{
    union options changed = *o;
    IpcStatus status;

    changed.client.timeout_ns = 1;
    status =
        ipc_client_open("/shmipc-unit-grow-nobody", &changed.client).ipc_status;
    return status == IPC_ERR_NOT_FOUND ? IPC_OK : status;
}

static const struct {
    size_t known;
    IpcStatus (*use)(const union options *);
} kinds[] = {
    {sizeof(IpcBufferOptions), create}, {sizeof(IpcOpenOptions), open_memory},
    {sizeof(IpcMmapOptions), map},      {sizeof(IpcSubscription), subscribe},
    {sizeof(IpcTapOptions), tap},       {sizeof(IpcServiceOptions), serve},
    {sizeof(IpcClientOptions), call},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static IpcStatus use(size_t kind, size_t size, size_t set)
{
    union options o;

    memset(&o, 0, sizeof o);
    o.struct_size = size;
    if (set)
        o.bytes[set] = 1;
    return kinds[kind].use(&o);
}

static void make_broadcast(void)
{
    const IpcBufferOptions options = {.struct_size = sizeof options,
                                      .flags = IPC_BUFFER_BROADCAST |
                                               IPC_BUFFER_TAPS};
    static _Alignas(64) unsigned char rings[MEMORY];
    IpcBufferCreateResult r =
        ipc_buffer_create_with_options(rings, sizeof rings, &options);

    must_work(r);
    ring = r.result;
}

Test(unit, larger_options_are_taken_if_what_is_not_known_is_zero)
{
    make_broadcast();
    for (size_t i = 0; i < KINDS; i++) {
        must(use(i, kinds[i].known, 0) == IPC_OK);
        must(use(i, kinds[i].known + 1, 0) == IPC_OK);
        must(use(i, kinds[i].known + MORE, 0) == IPC_OK);
        /* What lies behind them is nobody's business. */
        must(use(i, kinds[i].known + MORE, kinds[i].known + MORE) == IPC_OK);
        must(use(i, kinds[i].known, kinds[i].known) == IPC_OK);
    }
}

Test(unit, options_that_ask_for_what_is_not_known_are_refused)
{
    make_broadcast();
    for (size_t i = 0; i < KINDS; i++) {
        const size_t known = kinds[i].known;

        must(use(i, known + MORE, known) == IPC_ERR_INVALID_ARGUMENT);
        must(use(i, known + MORE, known + MORE - 1) ==
             IPC_ERR_INVALID_ARGUMENT);
    }
}

Test(unit, a_size_that_was_never_set_is_refused)
{
    const size_t sizes[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX / 2, SIZE_MAX};

    make_broadcast();
    for (size_t i = 0; i < KINDS; i++) {
        must(use(i, kinds[i].known - 1, 0) == IPC_ERR_INVALID_ARGUMENT);
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
            must(use(i, sizes[k], 0) == IPC_ERR_INVALID_ARGUMENT);
    }
}

Test(unit, figures_that_are_not_known_are_zero)
{
    union {
        size_t struct_size;
        IpcServiceStats stats;
        unsigned char bytes[sizeof(IpcServiceStats) + MORE];
    } told;
    char name[64];
    IpcServiceOpenResult r;

    snprintf(name, sizeof name, "/shmipc-unit-grow-%d", (int)getpid());
    r = ipc_service_open(name, NULL);
    must_work(r);
    memset(&told, 0xAA, sizeof told);
    told.struct_size = sizeof told - 1;
    must_work(ipc_service_stats(r.result, &told.stats));
    must(told.struct_size == sizeof told - 1);
    for (size_t i = sizeof told.stats; i < sizeof told - 1; i++)
        must(told.bytes[i] == 0);
    must(told.bytes[sizeof told - 1] == 0xAA);
    must_work(ipc_service_destroy(r.result));
}
