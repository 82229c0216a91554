/* SPDX-License-Identifier: MIT */
/*
 * The owner table: which processes may hold claims, and whether the holder of
 * one is dead. An owner is a process; its handles share a slot.
 *
 * A slot is taken by one CAS of its identity word, so there is no moment at
 * which it belongs to nobody in particular: a process that dies while it
 * registers leaves a slot that the next one can take. The generation grows
 * with every taking, so an owner id names one process's stay for ever
 * (2^14 - 1 stays in one slot are told apart).
 *
 *     identity      who stores it
 *     free -> mine  the process that registers            (acq_rel)
 *     dead -> mine  the same, after it saw the owner dead (acq_rel)
 *     mine -> free  the owner, when its last handle goes  (release)
 *     his -> free   who forces owners out that nobody can judge (release)
 *
 * ORDERING
 *   label     released by                acquired by         so that
 *   slot      taking and giving up       a look at           a word of the slot
 *             a slot                     `identity` that is  is not older
 *                                        acted on
 *   stay      `started`, stored last     find_slot(),        the slot's words
 *                                        read_process()      are this stay's
 *   handles   each handle that goes      the last one        it goes after them
 *   role      taking and dropping it     the next holder     all that the last
 *                                                            one did is seen
 *
 * A slot that says `locked` is locked while its process is in it, where the
 * memory's file is known (backing.h): from before the CAS that takes it until
 * after the store that frees it. So who reads that it is, and then finds no
 * lock, has seen a process die, or a stay that is over; its CAS fails then. In
 * the other order a living owner's slot would be without a lock for a moment.
 *
 * A crash leaves: a slot of a dead process, whose claims anyone may remove and
 * which anyone may take. A slot whose start time is not stored yet is judged
 * by its pid and pid namespace alone: if its owner died just then, and its pid
 * is in use again, it stays taken until that process ends, also by force, since
 * a living process may be registering in it.
 */
#ifndef SHMIPC_OWNER_H
#define SHMIPC_OWNER_H

#include "ring/layout.h"
#include "ring/process.h"
#include <shmipc/ipc_common.h>

/* What a handle needs to know about the table. */
struct owner_table {
    struct shm_owner *slots;
    uint32_t count;
    struct backing *backing; /* NULL: the file is not known */
    uint64_t place;          /* of the slots in it */
};

enum owner_fate { OWNER_LIVES, OWNER_IS_DEAD, OWNER_UNKNOWN };

/*
 * Finds this process's slot or takes one, and counts one more handle in it.
 * IPC_OK: *owner is the id, never 0. IPC_ERR_OWNERS_FULL: all slots belong to
 * processes that live or may live. *locked: owner_unlock() is to be called when
 * the handle is out of the slot, after owner_free() if it was the last.
 */
IpcStatus owner_register(const struct owner_table *table, uint32_t *owner,
                         bool *locked);
void owner_unlock(const struct owner_table *table, uint32_t owner);

/* Counts one handle less; true if it was the last, and the slot is still ours
 * until owner_free(). */
bool owner_release(const struct owner_table *table, uint32_t owner);
void owner_free(const struct owner_table *table, uint32_t owner);

/* Frees the slots of owners that cannot be judged, so that their claims and
 * roles are those of the dead. For a caller who knows that they are; of those
 * that live provably none is touched. Returns how many. */
uint32_t owner_force_out(const struct owner_table *table);

enum owner_fate owner_fate(const struct owner_table *table, uint32_t owner);

/* Pid of the owner, 0 if it is gone. */
uint32_t owner_pid(const struct owner_table *table, uint32_t owner);

/* What a slot says of who is in it. What the process stores last is not there
 * yet if it is just registering: handles, marks and since are 0 then. */
struct owner_view {
    uint32_t owner;
    uint32_t pid;
    uint32_t pid_namespace; /* as in process.h */
    uint32_t handles;
    uint32_t marks;
    bool locked;
    enum owner_fate fate;
    uint64_t since;
    uint64_t written; /* by all that were in the slot */
};

/* Looks at a slot of the table, and judges. False: it is free, or passes on all
 * the time. Stores nothing. */
bool owner_look(const struct owner_table *table, uint32_t slot,
                struct owner_view *view);

/* Slots in use, those of processes that may write and that may read, and
 * entries committed through all of them, ever. */
struct owner_figures {
    uint32_t used;
    uint32_t writers;
    uint32_t readers;
    uint64_t written;
};

struct owner_figures owner_count(const struct owner_table *table);

/*
 * Roles. The word names the owner (28 bits) and the handle (the rest), so that
 * a second handle of one process is refused too. 0: nobody.
 */
IpcStatus owner_take_role(const struct owner_table *table, atomic_u64 *role,
                          uint32_t owner, uint32_t handle, bool *inherited);
void owner_drop_role(atomic_u64 *role, uint32_t owner, uint32_t handle);

static inline uint32_t owner_slot(uint32_t owner)
{
    return owner & 0x3fff;
}

/* What an owner is remembered for. */
enum {
    OWNER_RESERVES = 1, /* it may have open claims when its last handle goes */
    OWNER_PRODUCES = 2, /* it may write */
    OWNER_CONSUMES = 4, /* it may read */
};

static inline void owner_mark(const struct owner_table *table, uint32_t owner,
                              uint32_t mark)
{
    atomic_u32 *marks = &table->slots[owner_slot(owner)].marks;

    /* Relaxed: asked for by the process itself, or to learn whether all that
     * have it are dead: to miss it then is to have asked before it was set. */
    if (!(atomic_get_relaxed(marks) & mark))
        atomic_or_relaxed(marks, mark);
}

/* Of `marks` the upper half counts the moves of the gate that the process has
 * under way, in all its threads. */
enum { OWNER_MOVE = 1 << 16 };

static inline void owner_begin_move(const struct owner_table *table,
                                    uint32_t owner)
{
    /* Relaxed: ordered by the fence of G4. */
    atomic_add_relaxed(&table->slots[owner_slot(owner)].marks, OWNER_MOVE);
}

static inline void owner_end_move(const struct owner_table *table,
                                  uint32_t owner)
{
    /* Release [move]: the gate comes first. */
    atomic_add_release(&table->slots[owner_slot(owner)].marks,
                       UINT32_MAX - OWNER_MOVE + 1);
}

/* Whether a move of the gate is under way that was so when *from was 0: slots
 * before that have been seen without. `asks`: those of dead owners do not
 * count. */
bool owner_finds_move(const struct owner_table *table, bool asks,
                      uint32_t *from);

static inline bool owner_is_marked(const struct owner_table *table,
                                   uint32_t owner, uint32_t mark)
{
    /* Relaxed: as above. */
    return atomic_get_relaxed(&table->slots[owner_slot(owner)].marks) & mark;
}

/* Whether there are owners with that mark in the table, OWNER_PRODUCES or
 * OWNER_CONSUMES, and all of them are dead. */
bool owner_all_are_dead(const struct owner_table *table, uint32_t mark);

/* Where an owner counts what it commits. */
static inline atomic_u64 *owner_written(const struct owner_table *table,
                                        uint32_t owner)
{
    return &table->slots[owner_slot(owner)].written;
}

/* Counts committed entries. Threads of one process share the slot. It has to
 * be a read-modify-write, for the fence that sleepers rely on
 * (write_count_and_fence()) as much as for the count. */
static inline void owner_count_entries_and_fence(atomic_u64 *written,
                                                 uint64_t count)
{
    /* Relaxed: the figure is for monitors, and where a read-modify-write is a
     * full fence it is that in any order. */
    atomic_add_relaxed(written, count);
}

/* The same where the caller is the slot's only writer. */
static inline void owner_count_entries_alone(atomic_u64 *written,
                                             uint64_t count)
{
    /* Relaxed: as above. */
    atomic_put_relaxed(written, atomic_get_relaxed(written) + count);
}

#endif
