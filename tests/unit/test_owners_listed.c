/* SPDX-License-Identifier: MIT */
/*
 * The list of a buffer's owners: who is in it, and what it says of them.
 */
#include "../own_name.h"
#include "channels.h"
#include "slots.h"
#include <sys/stat.h>

enum {
    BLOCKS = 16,
    OWNERS = 8,
    ONE_PRODUCER = 1,
    ONE_CONSUMER = 2,
};

/* All of them; returns how many. */
static size_t list(const IpcBuffer *b, IpcOwner owners[OWNERS])
{
    IpcBufferOwnersResult r;

    memset(owners, 0x5a, OWNERS * sizeof *owners);
    owners[0].struct_size = sizeof *owners;
    r = ipc_buffer_owners(b, owners, OWNERS);
    must_work(r);
    must(r.result <= OWNERS);
    return r.result;
}

static IpcOwner owner_of(const IpcBuffer *b, pid_t pid)
{
    IpcOwner owners[OWNERS];
    size_t count = list(b, owners);

    for (size_t i = 0; i < count; i++)
        if (owners[i].pid == pid)
            return owners[i];
    must_say(false, "process %d is not in the list", (int)pid);
    return owners[0];
}

static uint64_t wall_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * (uint64_t)SECOND + (uint64_t)now.tv_nsec;
}

/* A child that has written an entry, or read in vain, and waits. */
static pid_t child_enters(IpcBuffer *b, bool reads)
{
    struct gate *gate = make_gate();
    pid_t child = fork_child();

    if (child == 0) {
        if (reads)
            try_to_read(b);
        else
            must_write(b, 10, 1);
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    return child;
}

/* So that the process in it is none that can be judged from here. */
static void move_to_another_namespace(struct shm_owner *slot)
{
    atomic_put_relaxed(&slot->identity,
                       atomic_get_relaxed(&slot->identity) ^ 1);
}

/* ----------------------------------------------------------- what it says */

Test(unit, nobody_is_listed_who_has_not_entered)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcOwner owners[OWNERS];

    must(list(b, owners) == 0);
    must_be(try_to_read(b), IPC_EMPTY); /* many consumers need no slot */
    must(list(b, owners) == 0);
    must_write(b, 10, 1);
    must(list(b, owners) == 1);
    must_work(ipc_buffer_destroy(b));
}

Test(unit, a_living_owner_is_described)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    IpcBuffer *other = attach_to(region);
    uint64_t before = wall_clock();
    struct stat file;
    IpcOwner owner;

    must_write(b, 10, 1);
    must_write(b, 10, 2);
    must_write(other, 10, 3);
    owner = owner_of(b, getpid());
    must(owner.struct_size == sizeof owner);
    must(owner.since >= before && owner.since <= wall_clock());
    must(owner.entries_written == 3 && owner.handles == 2);
    must(owner.fate == IPC_OWNER_LIVES);
    must(owner.flags == IPC_OWNER_WRITES);
    must(stat("/proc/self/ns/pid", &file) == 0);
    must(owner.pid_namespace == (uint64_t)file.st_ino);
    must(is_all(owner.reserved, sizeof owner.reserved, 0));
    must_work(ipc_buffer_destroy(other));
    must(owner_of(b, getpid()).handles == 1);
}

Test(unit, the_living_the_dead_and_the_unknown_are_told_apart)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    pid_t living = child_enters(b, false);
    pid_t stopped = child_enters(b, false);
    pid_t zombie = child_enters(b, false);
    pid_t dead = child_enters(b, false);
    pid_t strange = child_enters(b, false);
    IpcOwner owners[OWNERS];
    int status;

    must(kill(stopped, SIGSTOP) == 0);
    must(waitpid(stopped, &status, WUNTRACED) == stopped);
    make_zombie(zombie);
    kill_child(dead);
    move_to_another_namespace(slot_of(region, strange));
    must(list(b, owners) == 5);
    must(owner_of(b, living).fate == IPC_OWNER_LIVES);
    must(owner_of(b, stopped).fate == IPC_OWNER_LIVES);
    must(owner_of(b, zombie).fate == IPC_OWNER_IS_DEAD);
    must(owner_of(b, dead).fate == IPC_OWNER_IS_DEAD);
    must(owner_of(b, strange).fate == IPC_OWNER_UNKNOWN);
    must(owner_of(b, strange).pid_namespace !=
         owner_of(b, living).pid_namespace);
    /* To ask has changed nothing. */
    must(stats_of(b).owners == 5);
}

Test(unit, an_owner_of_no_known_namespace_has_none_in_the_list)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    struct shm_owner *slot;

    must_write(b, 10, 1);
    slot = slot_of(region, getpid());
    atomic_put_relaxed(&slot->identity, atomic_get_relaxed(&slot->identity) &
                                            ~UINT64_C(0x07ffffff));
    must(owner_of(b, getpid()).pid_namespace == 0);
}

Test(unit, force_removes_those_that_the_list_calls_unknown)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    pid_t living = child_enters(b, false);
    pid_t strange = child_enters(b, false);
    IpcOwner owners[OWNERS];

    move_to_another_namespace(slot_of(region, strange));
    must(list(b, owners) == 2);
    must(owner_of(b, strange).fate == IPC_OWNER_UNKNOWN);
    must_work(ipc_buffer_recover_force(b));
    must(list(b, owners) == 1);
    must(owner_of(b, living).fate == IPC_OWNER_LIVES);
}

Test(unit, who_has_a_role_is_named)
{
    IpcBuffer *b = new_ring(BLOCKS, ONE_PRODUCER | ONE_CONSUMER, NULL);
    pid_t producer = child_enters(b, false);
    pid_t consumer = child_enters(b, true);

    must(owner_of(b, producer).flags ==
         (IPC_OWNER_WRITES | IPC_OWNER_ONE_PRODUCER));
    must(owner_of(b, consumer).flags ==
         (IPC_OWNER_READS | IPC_OWNER_ONE_CONSUMER));
    must(owner_of(b, producer).entries_written == 1);
    must(owner_of(b, consumer).entries_written == 0);
}

Test(unit, one_can_have_both_roles)
{
    IpcBuffer *b = new_ring(BLOCKS, ONE_PRODUCER | ONE_CONSUMER, NULL);

    must_write(b, 10, 1);
    must_read(b, 10, 1);
    must(owner_of(b, getpid()).flags ==
         (IPC_OWNER_WRITES | IPC_OWNER_ONE_PRODUCER | IPC_OWNER_READS |
          IPC_OWNER_ONE_CONSUMER));
}

Test(unit, of_one_who_is_registering_nothing_is_told_that_was_anothers)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    struct shm_owner *slot;
    IpcOwner owner;

    must_write(b, 10, 1);
    slot = slot_of(region, getpid());
    atomic_put_relaxed(&slot->started, atomic_get_relaxed(&slot->started) ^
                                           (UINT64_C(1) << GENERATION_SHIFT));
    owner = owner_of(b, getpid());
    must(owner.since == 0 && owner.handles == 0 && owner.flags == 0);
    must(owner.fate == IPC_OWNER_LIVES);
}

Test(unit, a_slot_that_is_locked_in_the_file_says_so)
{
    char name[OWN_NAME_ROOM];
    IpcMemorySegmentResult segment;
    IpcBuffer *b;

    own_name(name, "listed");
    segment = ipc_mmap(name, ring_size(BLOCKS, OWNERS));
    must_work(segment);
    b = make_ring(segment.result->memory, BLOCKS, OWNERS, 0);
    must_write(b, 10, 1);
    must(shm_unlink(name) == 0);
    must(owner_of(b, getpid()).flags == (IPC_OWNER_WRITES | IPC_OWNER_LOCKED));
}

/* --------------------------------------------------------- room and sizes */

Test(unit, owners_without_room_are_counted_and_what_is_behind_is_untouched)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcOwner owners[OWNERS];
    pid_t children[5];

    for (int i = 0; i < 5; i++)
        children[i] = child_enters(b, false);
    for (size_t room = 0; room <= OWNERS; room++) {
        size_t filled = room < 5 ? room : 5;
        IpcBufferOwnersResult r;

        memset(owners, 0x5a, sizeof owners);
        if (room > 0)
            owners[0].struct_size = sizeof *owners;
        r = ipc_buffer_owners(b, owners, room);
        must_work(r);
        must(r.result == 5);
        for (size_t i = 0; i < filled; i++)
            must(owners[i].pid == children[i] &&
                 owners[i].struct_size == sizeof *owners);
        must(is_all(owners + filled, (OWNERS - filled) * sizeof *owners, 0x5a));
    }
    must(result_of(ipc_buffer_owners(b, NULL, 0)) == 5);
}

Test(unit, an_older_callers_list_is_refused_and_untouched)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);

    must_write(b, 10, 1);
    for (size_t size = 0; size < sizeof(IpcOwner); size++) {
        IpcOwner owner;
        IpcBufferOwnersResult r;
        IpcChannelOwnersResult of_channel;

        memset(&owner, 0x5a, sizeof owner);
        owner.struct_size = size;
        r = ipc_buffer_owners(b, &owner, 1);
        must_fail(r, IPC_ERR_TOO_SMALL);
        must(strstr(r.error.detail, "struct_size") != NULL);
        must(IpcBufferOwnersResult_is_error_has_body(r.error));
        must(r.error.body.required_size == sizeof owner);
        of_channel = ipc_channel_owners(ch, &owner, 1);
        must_fail(of_channel, IPC_ERR_TOO_SMALL);
        must(of_channel.error.body.required_size == sizeof owner);
        must(owner.struct_size == size);
        must(is_all((unsigned char *)&owner + sizeof size,
                    sizeof owner - sizeof size, 0x5a));
    }
}

Test(unit, a_newer_callers_list_has_larger_elements)
{
    struct {
        struct {
            IpcOwner owner;
            unsigned char more[64];
        } elements[2];
        unsigned char guard[64];
    } newer;
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    pid_t children[2] = {child_enters(b, false), child_enters(b, false)};

    memset(&newer, 0x5a, sizeof newer);
    newer.elements[0].owner.struct_size = sizeof newer.elements[0];
    must(result_of(ipc_buffer_owners(b, &newer.elements[0].owner, 2)) == 2);
    for (int i = 0; i < 2; i++) {
        must(newer.elements[i].owner.pid == children[i]);
        must(newer.elements[i].owner.struct_size == sizeof newer.elements[0]);
        must(is_all(newer.elements[i].more, sizeof newer.elements[i].more, 0));
    }
    must(is_all(newer.guard, sizeof newer.guard, 0x5a));
}

Test(unit, a_list_for_nothing_or_of_nothing_is_refused)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcOwner owner = {.struct_size = sizeof owner};

    must_fail(ipc_buffer_owners(NULL, &owner, 1), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_owners(NULL, NULL, 0), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_owners(b, NULL, 1), IPC_ERR_INVALID_ARGUMENT);
    must(strstr(ipc_buffer_owners(b, NULL, 1).error.detail, "NULL") != NULL);
    must_fail(ipc_channel_owners(NULL, &owner, 1), IPC_ERR_INVALID_ARGUMENT);
}

/* ------------------------------------------------------- where it is asked */

Test(unit, a_channel_lists_its_owners_as_a_buffer_does)
{
    void *memory;
    IpcChannel *ch = make_channel(BLOCKS, quick, &memory);
    IpcOwner owners[2] = {{.struct_size = sizeof owners[0]}};
    IpcBuffer *b = attach_to(memory);
    pid_t child;

    must_send(ch, 10, 1);
    child = child_enters(b, false);
    kill_child(child);
    must(result_of(ipc_channel_owners(ch, owners, 2)) == 2);
    must(owners[0].pid == getpid() && owners[0].fate == IPC_OWNER_LIVES);
    must(owners[1].pid == child && owners[1].fate == IPC_OWNER_IS_DEAD);
    must(result_of(ipc_channel_owners(ch, NULL, 0)) == 2);
}

Test(unit, an_observer_lists_owners_and_stores_nothing)
{
    size_t size = 16384;
    int fd = memfd_create("listed", MFD_CLOEXEC);
    void *writable, *readable, *copy = malloc(size);
    IpcBuffer *b;
    IpcBufferAttachResult observer;
    pid_t dead;

    must(ring_size(BLOCKS, OWNERS) <= size && copy);
    must(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    writable = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    readable = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    must(writable != MAP_FAILED && readable != MAP_FAILED);
    b = make_ring(writable, BLOCKS, OWNERS, ONE_PRODUCER | ONE_CONSUMER);
    dead = child_enters(b, false);
    kill_child(dead);
    must_be(try_to_read(b), IPC_OK);
    observer = ipc_buffer_observe(readable, size);
    must_work(observer);
    memcpy(copy, writable, size);
    must(owner_of(observer.result, dead).fate == IPC_OWNER_IS_DEAD);
    must(owner_of(observer.result, dead).flags ==
         (IPC_OWNER_WRITES | IPC_OWNER_ONE_PRODUCER));
    must(owner_of(observer.result, getpid()).flags ==
         (IPC_OWNER_READS | IPC_OWNER_ONE_CONSUMER));
    must(memcmp(copy, writable, size) == 0);
    must_work(ipc_buffer_destroy(observer.result));
    free(copy);
}

Test(unit, a_list_of_what_was_formatted_anew_is_refused)
{
    void *memory;
    IpcChannel *ch = make_channel(BLOCKS, quick, &memory);
    IpcBuffer *b = attach_to(memory);
    IpcOwner owner = {.struct_size = sizeof owner};

    make_ring(memory, BLOCKS, OWNERS, 0);
    must_fail(ipc_buffer_owners(b, &owner, 1), IPC_ERR_FORMATTED_ANEW);
    must_fail(ipc_channel_owners(ch, &owner, 1), IPC_ERR_FORMATTED_ANEW);
    must(strstr(ipc_buffer_owners(b, &owner, 1).error.detail, "anew") != NULL);
}

Test(unit, whatever_is_in_the_table_the_list_is_no_longer_than_it)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    uint64_t seed = 12345;
    IpcOwner owners[OWNERS + 1];

    for (int round = 0; round < 200; round++) {
        uint64_t *words = (uint64_t *)(void *)region->owners;
        IpcBufferOwnersResult r;

        for (size_t i = 0; i < OWNERS * sizeof *region->owners / 8; i++)
            words[i] = next_random(&seed);
        region->identity.owner_count = (uint32_t)next_random(&seed);
        memset(owners, 0x5a, sizeof owners);
        owners[0].struct_size = sizeof *owners;
        r = ipc_buffer_owners(b, owners, OWNERS + 1);
        must_work(r);
        must(r.result <= OWNERS);
        for (size_t i = 0; i < r.result; i++)
            must(owners[i].fate <= IPC_OWNER_UNKNOWN && owners[i].pid > 0 &&
                 owners[i].flags < 16);
        must(is_all(&owners[r.result], sizeof *owners, 0x5a));
    }
}
