/* SPDX-License-Identifier: MIT */
/*
 * How far one call goes in a large ring whose words somebody forged: deadlines
 * are to hold all the same. It is steps that are counted, not time; kill(),
 * which the linker sends here, stands for what judging an owner costs.
 */
#include "channels.h"

enum {
    BLOCKS = 200000,
    OWNERS = 8,
    STEPS = 65536,  /* PROTOCOL_STEPS */
    JUDGED_MAX = 64 /* lib/buffer/recover.c */
};

static uint32_t judged;
static struct shm_region *region;

int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal);

int __wrap_kill(pid_t pid, int signal)
{
    judged += signal == 0;
    return __real_kill(pid, signal);
}

static IpcChannel *start(uint32_t flags)
{
    size_t size = ring_size(BLOCKS, OWNERS);
    IpcChannelConfiguration configuration = quick;
    IpcChannelResult r;

    region = shared_memory(size);
    configuration.flags = flags;
    configuration.max_owners = OWNERS;
    r = ipc_channel_create(region, size, configuration);
    must_work(r);
    return r.result;
}

/* The lap that the ring is in, as control words have it. */
static uint32_t tag_now(void)
{
    return (uint32_t)(region->tail.position >> 18);
}

/* All blocks but the last get that word; tail is behind them. */
static void forge(uint32_t count, uint32_t value, enum control_state state)
{
    for (uint32_t i = 0; i < count; i++)
        *control_of(region, i) = control_make(tag_now(), value, state);
}

static void claim_all(uint32_t count)
{
    atomic_add_relaxed(&region->tail.position, count);
}

static uint64_t head_moved(void)
{
    return (uint64_t)region->head.position & ((UINT64_C(1) << 18) - 1);
}

static uint64_t tail_moved(void)
{
    return (uint64_t)region->tail.position & ((UINT64_C(1) << 18) - 1);
}

static IpcStatus try_to_receive(IpcChannel *ch)
{
    char copy[64];
    IpcEntry entry = {.payload = copy, .size = sizeof copy};

    return ipc_channel_try_read_into(ch, &entry).ipc_status;
}

Test(unit, a_read_passes_so_much_filler_and_no_more)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = start(mode);

        forge(BLOCKS - 1, 1, CONTROL_SKIP);
        region->tail.position += BLOCKS - 1;
        for (uint64_t calls = 1; calls <= BLOCKS / STEPS; calls++) {
            must_be(try_to_receive(ch), IPC_ERR_LOCKED);
            must(head_moved() == calls * STEPS);
        }
        must_be(try_to_receive(ch), IPC_EMPTY);
        must(head_moved() == BLOCKS - 1);
    }
}

/* Owners of which each has written, and is dead. */
static void make_dead_owners(IpcChannel *ch, uint32_t owners[2])
{
    for (uint32_t i = 0; i < 2; i++) {
        pid_t child = fork_child();

        if (child == 0) {
            must_send(ch, 10, i);
            child_done();
        }
        must_succeed(child);
    }
    for (uint32_t i = 0, found = 0; i < OWNERS && found < 2; i++) {
        uint64_t identity = region->owners[i].identity;

        if (identity >> 28 & 0x3fffff)
            owners[found++] = (uint32_t)(identity >> 50) << 14 | i;
    }
    must_receive(ch, 10, 0);
    must_receive(ch, 10, 1);
}

static uint32_t forge_claims(IpcChannel *ch)
{
    const uint32_t count = 1000;
    uint32_t owners[2];

    make_dead_owners(ch, owners);
    for (uint32_t i = 0; i < count; i++)
        *control_of(region, 2 + i) =
            control_make(tag_now(), owners[i % 2], CONTROL_BUSY);
    region->tail.position += count;
    judged = 0;
    return count;
}

Test(unit, a_read_judges_so_many_owners_and_no_more)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = start(mode);
        uint32_t count = forge_claims(ch);
        uint32_t most = 0;
        IpcStatus status = IPC_OK;

        for (uint32_t i = 0; i < 1000 * count && status != IPC_EMPTY; i++) {
            judged = 0;
            status = try_to_receive(ch);
            most = judged > most ? judged : most;
        }
        must_be(status, IPC_EMPTY);
        must(most == JUDGED_MAX);
    }
}

Test(unit, recover_goes_all_the_way_and_judges_an_owner_once_in_a_row)
{
    IpcChannel *ch = start(0);
    uint32_t count = forge_claims(ch);
    uint32_t owner;
    IpcChannelRecoverResult r = ipc_channel_recover(ch, false);

    must_work(r);
    must(r.result == count && judged == count);
    must_be(try_to_receive(ch), IPC_EMPTY);

    ch = start(0);
    count = forge_claims(ch);
    owner = (uint32_t)(*control_of(region, 2) >> 4 & 0x0fffffff);
    for (uint32_t i = 0; i < count; i++)
        *control_of(region, 2 + i) =
            control_make(tag_now(), owner, CONTROL_BUSY);
    must(result_of(ipc_channel_recover(ch, false)) == count);
    must(judged == 1);
}

Test(unit, a_gap_is_revoked_so_far_and_then_further)
{
    IpcChannel *ch = start(0);
    uint32_t revoked = 0;

    claim_all(BLOCKS - 1);
    while (try_to_receive(ch) != IPC_ERR_NOT_READY)
        continue;
    while (control_state(*control_of(region, 0)) == CONTROL_FREE)
        try_to_receive(ch);
    for (uint32_t i = 0; i < BLOCKS; i++)
        revoked += control_state(*control_of(region, i)) == CONTROL_SKIP;
    must(revoked == STEPS);
    must_work(ipc_channel_recover(ch, false));
    while (try_to_receive(ch) != IPC_EMPTY)
        continue;
    must(head_moved() == BLOCKS - 1);
}

Test(unit, a_successor_goes_so_far_over_what_it_finds_and_then_further)
{
    IpcChannel *ch = start(1);

    forge(BLOCKS - 1, 64, CONTROL_READY);
    for (uint64_t calls = 1; calls <= BLOCKS / STEPS; calls++) {
        must_be(ipc_channel_write(ch, "x", 1).ipc_status, IPC_ERR_LOCKED);
        must(tail_moved() == calls * STEPS);
        must(region->tail.role == 0);
    }
    must_work(ipc_channel_write(ch, "x", 1));
    must(tail_moved() == 0); /* of the next lap */
    must_be(ipc_channel_write(ch, "x", 1).ipc_status,
            IPC_ERR_NO_SPACE_CONTIGUOUS);
}
