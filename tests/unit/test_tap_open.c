/* SPDX-License-Identifier: MIT */
/*
 * Taps by name, and of memory that holds what it should not.
 */
#include "../own_name.h"
#include "channels.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { BLOCKS = 12 };

#define PLAIN (ATOMIC_KEEPS_ORDER ? 0 : (uint32_t)IPC_BUFFER_TAPS)

static char name[OWN_NAME_ROOM];

static void choose_name(void)
{
    own_name(name, "tap");
}

static IpcChannel *open_channel(uint32_t flags)
{
    IpcOpenOptions options = {
        .struct_size = sizeof options, .flags = flags, .size = 4096};

    options.configuration.flags = PLAIN;

    return result_of(ipc_channel_open(name, &options));
}

static int descriptor(int flags)
{
    int fd = shm_open(name, flags, 0600);

    must(fd >= 0);
    return fd;
}

Test(unit, a_tap_by_name_sees_the_channel)
{
    unsigned char data[64];
    IpcEntry entry = {0, data, sizeof data};
    IpcChannel *ch;
    IpcTap *tap;

    choose_name();
    must_fail(ipc_tap_open(name, NULL), IPC_ERR_NOT_FOUND);
    must_fail(ipc_tap_open("", NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_tap_open(NULL, NULL), IPC_ERR_INVALID_ARGUMENT);
    ch = open_channel(IPC_OPEN_UNLINK_LAST);
    must_send(ch, 40, 1);
    tap = result_of(ipc_tap_open(name, NULL));
    must_receive(ch, 40, 1);
    must_work(ipc_tap_read(tap, &entry));
    must(entry.size == 40 && is_filled(data, 40, 1));
    /* The last one out is he who takes part. */
    must_work(ipc_channel_destroy(ch));
    must_fail(ipc_tap_open(name, NULL), IPC_ERR_NOT_FOUND);
    must_be(ipc_tap_read(tap, &entry).ipc_status, IPC_EMPTY);
    must_work(ipc_tap_destroy(tap));
}

Test(unit, a_tap_needs_no_more_than_to_read_the_file)
{
    IpcTapOptions options = {.struct_size = sizeof options,
                             .flags = IPC_OPEN_PATH};
    char path[80];
    IpcChannel *ch;
    IpcTap *tap;
    int fd;

    choose_name();
    ch = open_channel(0);
    fd = descriptor(O_RDWR);
    must(fchmod(fd, 0400) == 0);
    tap = result_of(ipc_tap_open(name, NULL));
    /* Nor does anybody who looks for users find one. */
    must_work(ipc_channel_destroy(ch));
    must(flock(fd, LOCK_EX | LOCK_NB) == 0);
    must_work(ipc_tap_destroy(tap));
    snprintf(path, sizeof path, "/dev/shm%s", name);
    tap = result_of(ipc_tap_open(path, &options));
    must_work(ipc_tap_destroy(tap));
    must(fchmod(fd, 0) == 0);
    if (geteuid() != 0) {
        IpcTapOpenResult r = ipc_tap_open(name, NULL);

        must_fail(r, IPC_ERR_SYSTEM);
        must(r.error.body.sys_errno == EACCES);
    }
    must(shm_unlink(name) == 0);
}

Test(unit, a_tap_says_what_a_name_stands_for_instead)
{
    unsigned char other[4096];
    struct shm_region *region;
    int fd;

    choose_name();
    fd = descriptor(O_RDWR | O_CREAT);
    must_fail(ipc_tap_open(name, NULL), IPC_ERR_INITIALIZING);
    memset(other, 0x5a, sizeof other);
    must(write(fd, other, sizeof other) == sizeof other);
    must_fail(ipc_tap_open(name, NULL), IPC_ERR_NOT_FORMATTED);
    must(ftruncate(fd, 0) == 0);
    must(ftruncate(fd, 16384) == 0);
    region = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(region != MAP_FAILED);
    make_ring(region, BLOCKS, 8, PLAIN);
    must(ftruncate(fd, 512) == 0);
    must_fail(ipc_tap_open(name, NULL), IPC_ERR_TRUNCATED);
    must(ftruncate(fd, 16384) == 0);
    region->identity.layout_version++;
    {
        IpcTapOpenResult r = ipc_tap_open(name, NULL);

        must_fail(r, IPC_ERR_LAYOUT_VERSION);
        must(r.error.body.layout_version ==
             r.error.body.own_layout_version + 1);
    }
    region->identity.layout_version--;
    atomic_put_relaxed(&region->tail.position, UINT64_MAX >> 2);
    must_fail(ipc_tap_open(name, NULL), IPC_ERR_CORRUPTED);
    must(shm_unlink(name) == 0);
}

/* ---------------------------------------------------------------- hostile */

/* A region before a page that faults. */
static struct shm_region *at_the_edge(uint32_t blocks, size_t *size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room;
    unsigned char *pages;

    *size = ring_size(blocks, 3);
    room = (*size + page - 1) / page * page;
    pages = shared_memory(room + page);
    must(mprotect(pages + room, page, PROT_NONE) == 0);
    return (void *)(pages + room - *size);
}

static uint64_t strange_word(uint64_t *random, uint64_t lap)
{
    uint32_t tag = (uint32_t)lap + random_below(random, 3) - 1;
    uint32_t value = random_below(random, 2) ? random_below(random, 1200)
                                             : (uint32_t)next_random(random);

    return random_below(random, 9)
               ? control_make(tag, value & CONTROL_VALUE_MAX,
                              (enum control_state)random_below(random, 7))
               : next_random(random);
}

static void scribble(struct shm_region *region, uint32_t blocks,
                     uint64_t *random)
{
    const uint64_t mask = blocks > 4 ? 7 : 3;
    uint64_t at = atomic_get_relaxed(&region->tail.position);
    uint64_t lap = at / (mask + 1);

    for (uint32_t i = 0; i < blocks; i++)
        if (random_below(random, 2))
            *control_of(region, i) = strange_word(random, lap);
    if (random_below(random, 3) == 0)
        atomic_put_relaxed(&region->tail.position,
                           random_below(random, 4)
                               ? at + random_below(random, 9) - 4
                               : next_random(random));
    if (random_below(random, 5) == 0)
        atomic_put_relaxed(&region->head.position, next_random(random));
    if (random_below(random, 5) == 0)
        atomic_put_relaxed(&region->tail.intended, next_random(random));
    if (random_below(random, 50) == 0)
        atomic_put_relaxed(&region->head.closed, 1);
}

static void must_be_explained(IpcStatus status)
{
    must_say(status == IPC_OK || status == IPC_EMPTY ||
                 status == IPC_ERR_LAGGED || status == IPC_ERR_NOT_READY ||
                 status == IPC_ERR_TOO_SMALL || status == IPC_ERR_CLOSED ||
                 status == IPC_ERR_CORRUPTED,
             "the status is %s", ipc_status_name(status));
}

Test(unit, whatever_the_words_are_a_tap_stays_inside, .timeout = 30)
{
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        uint32_t blocks = 3 + (uint32_t)(seed % 4);
        uint64_t random = seed;
        size_t size;
        struct shm_region *region = at_the_edge(blocks, &size);
        unsigned char data[8 * 64];
        IpcTapInfo info = {.struct_size = sizeof info};
        IpcBuffer *b =
            make_ring(region, blocks, 3,
                      (seed % 2 ? IPC_BUFFER_ONE_PRODUCER : 0) |
                          (seed % 3 || PLAIN != 0 ? IPC_BUFFER_TAPS : 0));
        IpcTap *tap = result_of(ipc_tap_attach(region, size, NULL));

        snprintf(fail_note, sizeof fail_note, " (seed %d)", (int)seed);
        for (int round = 0; round < 40; round++) {
            IpcEntry entry = {0, data, 1 + random_below(&random, sizeof data)};

            scribble(region, blocks, &random);
            must_be_explained(ipc_tap_read(tap, &entry).ipc_status);
            if (random_below(&random, 4) == 0)
                must_be_explained(ipc_tap_skip(tap).ipc_status);
            if (random_below(&random, 4) == 0)
                must_be_explained(
                    ipc_tap_seek(tap, (IpcTapStart)random_below(&random, 3))
                        .ipc_status);
            must_work(ipc_tap_stats(tap, &info));
        }
        must_work(ipc_tap_destroy(tap));
        must_work(ipc_buffer_destroy(b));
        munmap((void *)((uintptr_t)region & ~(uintptr_t)4095), 8192);
    }
}
