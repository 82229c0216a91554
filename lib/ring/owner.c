/* SPDX-License-Identifier: MIT */
#include "ring/owner.h"

#include "backing.h"
#include "debug.h"

/*
 * identity: generation:14 | pid:22 | locked:1 | pid namespace:27, started:
 * generation:14 | start time:50, handles: generation:14 | count:18. What else
 * the slot says of a process belongs to the identity only if `started` is of
 * its generation; until then it has not been stored.
 */
enum {
    GENERATION_SHIFT = 50,
    PID_SHIFT = 28,
    SLOT_BITS = 14,
    HANDLES_BITS = 18,
    HANDLES_MASK = (1 << HANDLES_BITS) - 1,
};
#define GENERATION_MASK UINT64_C(0x3fff)
#define PID_MASK        UINT64_C(0x3fffff)
#define NS_MASK         UINT64_C(0x07ffffff)
#define LOCKED          (UINT64_C(1) << 27)
#define START_MASK      ((UINT64_C(1) << GENERATION_SHIFT) - 1)

static uint32_t generation_of(uint64_t word)
{
    return (uint32_t)(word >> GENERATION_SHIFT & GENERATION_MASK);
}

static uint32_t pid_of(uint64_t identity)
{
    return (uint32_t)(identity >> PID_SHIFT & PID_MASK);
}

static uint64_t make_identity(uint32_t generation, const struct process_id *id,
                              bool locked)
{
    return (uint64_t)generation << GENERATION_SHIFT |
           (id->pid & PID_MASK) << PID_SHIFT | (locked ? LOCKED : 0) |
           (id->pid_namespace & NS_MASK);
}

static uint64_t make_started(uint32_t generation, const struct process_id *id)
{
    return (uint64_t)generation << GENERATION_SHIFT |
           (id->start_time & START_MASK);
}

static uint32_t make_owner(uint32_t slot, uint32_t generation)
{
    return generation << SLOT_BITS | slot;
}

/* Generation 0 is left out, so that an owner id is never 0. */
static uint32_t next_generation(uint64_t identity)
{
    uint32_t next = (generation_of(identity) + 1) & GENERATION_MASK;

    return next ? next : 1;
}

static struct process_id read_process(const struct shm_owner *slot,
                                      uint64_t identity)
{
    /* Acquire [stay]: its generation tells whether it is of this stay. */
    uint64_t started = atomic_get_acquire(&slot->started);
    struct process_id id = {
        .pid = pid_of(identity),
        .pid_namespace = (uint32_t)(identity & NS_MASK),
        .start_time = 1,
    };

    if (generation_of(started) != generation_of(identity))
        return id;
    id.start_time = started & START_MASK;
    /* Relaxed, all: of the same stay as `started`, or of a later one. Then
     * `identity` is too, and whoever acts on the old one fails. */
    id.time_namespace = atomic_get_relaxed(&slot->time_namespace);
    id.boot = atomic_get_relaxed(&slot->boot);
    id.image = atomic_get_relaxed(&slot->image);
    id.stack = atomic_get_relaxed(&slot->stack);
    return id;
}

/* Adds one to the handles of a slot that has some; one that has none is being
 * given up or not ready yet. The count carries its generation: the slot may
 * have passed on since its identity was read. */
static bool join_slot(struct shm_owner *slot, uint32_t generation)
{
    for (int tries = 0; tries < 1000; tries++) {
        /* Relaxed: only this process's threads change the count, and the
         * slot's other words were read with acquire. */
        uint32_t handles = atomic_get_relaxed(&slot->handles);

        if (handles >> HANDLES_BITS != generation ||
            (handles & HANDLES_MASK) == 0)
            return false;
        if (atomic_cas32_relaxed(&slot->handles, handles, handles + 1))
            return true;
    }
    return false;
}

static uint64_t place_of(const struct owner_table *table, uint32_t slot)
{
    return table->place + slot * sizeof *table->slots;
}

static bool lock_slot(const struct owner_table *table, uint32_t slot)
{
    return table->backing &&
           backing_lock(table->backing, place_of(table, slot));
}

static void unlock_slot(const struct owner_table *table, uint32_t slot,
                        bool locked)
{
    if (locked)
        backing_unlock(table->backing, place_of(table, slot));
}

/* A handle that can lock joins a slot that is locked, and no other, since the
 * lock is to stay as long as any of the slot's handles. */
static bool find_slot(const struct owner_table *table,
                      const struct process_id *self, uint32_t *owner,
                      bool *locked)
{
    for (uint32_t i = 0; i < table->count; i++) {
        struct shm_owner *slot = &table->slots[i];
        /* Relaxed: only this process's threads store its identity, and the
         * start time, which is acquired below, is of the same generation. */
        uint64_t identity = atomic_get_relaxed(&slot->identity);
        uint32_t generation = generation_of(identity);

        *locked = table->backing && (identity & LOCKED);
        if (identity != make_identity(generation, self, *locked))
            continue;
        /* Acquire [stay]: `marks` and `handles` are this stay's. */
        if (atomic_get_acquire(&slot->started) !=
            make_started(generation, self))
            continue;
        /* Relaxed: of this stay. Before exec() we were somebody else. */
        if (atomic_get_relaxed(&slot->image) != self->image)
            continue;
        if (*locked && !lock_slot(table, i))
            continue;
        if (join_slot(slot, generation)) {
            *owner = make_owner(i, generation);
            return true;
        }
        unlock_slot(table, i, *locked);
    }
    return false;
}

static bool take_slot(const struct owner_table *table, uint32_t i,
                      uint64_t seen, const struct process_id *self,
                      uint32_t *owner, bool *locked)
{
    struct shm_owner *slot = &table->slots[i];
    uint32_t generation = next_generation(seen);

    /* Before the slot says so: there is no moment at which it says that it is
     * locked by us and is not. */
    *locked = lock_slot(table, i);

    /* Acquire [slot]: what the last owner did comes first. Release [slot]:
     * whoever sees this stay sees that the last one is over. */
    if (!atomic_cas_acq_rel(&slot->identity, seen,
                            make_identity(generation, self, *locked))) {
        unlock_slot(table, i, *locked);
        return false;
    }
    /* Relaxed, all: published by the last store. */
    atomic_put_relaxed(&slot->time_namespace, self->time_namespace);
    atomic_put_relaxed(&slot->boot, self->boot);
    atomic_put_relaxed(&slot->image, self->image);
    atomic_put_relaxed(&slot->stack, self->stack);
    atomic_put_relaxed(&slot->since, process_now());
    atomic_put_relaxed(&slot->marks, 0);
    atomic_put_relaxed(&slot->handles, generation << HANDLES_BITS | 1);
    /* Release [stay]: the other words are this stay's. */
    atomic_put_release(&slot->started, make_started(generation, self));
    *owner = make_owner(i, generation);
    return true;
}

static bool is_free(const struct owner_table *table, uint32_t i,
                    uint64_t *identity)
{
    /* Relaxed: the CAS in take_slot() acquires. */
    *identity = atomic_get_relaxed(&table->slots[i].identity);
    return pid_of(*identity) == 0;
}

/* Of whom a pid tells too little the lock says whether he is there. */
static enum owner_fate judge(const struct owner_table *table, uint32_t i,
                             uint64_t identity)
{
    struct process_id id = read_process(&table->slots[i], identity);
    enum process_fate fate = process_fate(&id);

    if (fate == PROCESS_IS_DEAD)
        return OWNER_IS_DEAD;
    if (fate != PROCESS_LIVES && (identity & LOCKED) && table->backing) {
        switch (backing_ask(table->backing, place_of(table, i))) {
        case BACKING_NOBODY:
            return OWNER_IS_DEAD;
        case BACKING_SOMEBODY:
            return OWNER_LIVES;
        case BACKING_NOT_KNOWN:
            break;
        }
    }
    return fate == PROCESS_UNKNOWN ? OWNER_UNKNOWN : OWNER_LIVES;
}

static bool is_dead(const struct owner_table *table, uint32_t i,
                    uint64_t *identity)
{
    /* Acquire [slot]: `started` is not older. */
    *identity = atomic_get_acquire(&table->slots[i].identity);
    return judge(table, i, *identity) == OWNER_IS_DEAD;
}

/* Free slots first: to judge an owner takes system calls. */
static bool find_free(const struct owner_table *table,
                      const struct process_id *self, uint32_t *owner,
                      bool *locked)
{
    uint64_t seen;

    for (uint32_t i = 0; i < table->count; i++)
        if (is_free(table, i, &seen) &&
            take_slot(table, i, seen, self, owner, locked))
            return true;
    for (uint32_t i = 0; i < table->count; i++)
        if (is_dead(table, i, &seen) &&
            take_slot(table, i, seen, self, owner, locked)) {
            DEBUG_SAY("process %u is dead: this one takes its owner slot",
                      pid_of(seen));
            return true;
        }
    return false;
}

IpcStatus owner_register(const struct owner_table *table, uint32_t *owner,
                         bool *locked)
{
    struct process_id self = process_self();

    if (find_slot(table, &self, owner, locked) ||
        find_free(table, &self, owner, locked))
        return IPC_OK;
    return IPC_ERR_OWNERS_FULL;
}

void owner_unlock(const struct owner_table *table, uint32_t owner)
{
    unlock_slot(table, owner_slot(owner), true);
}

bool owner_release(const struct owner_table *table, uint32_t owner)
{
    atomic_u32 *handles = &table->slots[owner_slot(owner)].handles;

    for (;;) {
        /* Relaxed: the CAS settles it. */
        uint32_t seen = atomic_get_relaxed(handles);

        /* Who was forced out has nothing here any more. */
        if (seen >> HANDLES_BITS != owner >> SLOT_BITS ||
            (seen & HANDLES_MASK) == 0)
            return false;
        /* acq_rel [handles]: the last one comes after all that the others
         * did. */
        if (atomic_cas32_acq_rel(handles, seen, seen - 1))
            return (seen & HANDLES_MASK) == 1;
    }
}

static uint64_t make_free(uint32_t generation)
{
    return (uint64_t)generation << GENERATION_SHIFT;
}

void owner_free(const struct owner_table *table, uint32_t owner)
{
    atomic_u64 *identity = &table->slots[owner_slot(owner)].identity;
    /* Relaxed: only we change it while it is ours. */
    uint64_t seen = atomic_get_relaxed(identity);

    /* Release [slot]: all that we did comes before the next owner. If we were
     * forced out it is somebody else's. */
    if (generation_of(seen) == owner >> SLOT_BITS && pid_of(seen))
        atomic_cas_release(identity, seen, make_free(owner >> SLOT_BITS));
}

uint32_t owner_force_out(const struct owner_table *table)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < table->count; i++) {
        struct shm_owner *slot = &table->slots[i];
        /* Acquire [slot]: `started` is not older. */
        uint64_t seen = atomic_get_acquire(&slot->identity);

        /* Release [slot]: as in owner_free(). A later stay is another one. */
        if (pid_of(seen) && judge(table, i, seen) == OWNER_UNKNOWN &&
            atomic_cas_release(&slot->identity, seen,
                               make_free(generation_of(seen)))) {
            DEBUG_SAY("whether process %u lives cannot be told: it is taken "
                      "for dead, as force says",
                      pid_of(seen));
            count++;
        }
    }
    return count;
}

enum owner_fate owner_fate(const struct owner_table *table, uint32_t owner)
{
    uint32_t i = owner_slot(owner);
    uint64_t identity;

    if (i >= table->count)
        return OWNER_IS_DEAD; /* no such owner can exist */
    /* Acquire [slot]: `started` is not older. Whoever saw the owner's BUSY
     * word with acquire sees here its stay or a later one, not an earlier. */
    identity = atomic_get_acquire(&table->slots[i].identity);
    if (make_owner(i, generation_of(identity)) != owner ||
        pid_of(identity) == 0)
        return OWNER_IS_DEAD; /* the slot has passed on, which it does only
                                 from the dead and from ones that left */
    return judge(table, i, identity);
}

uint32_t owner_pid(const struct owner_table *table, uint32_t owner)
{
    uint32_t i = owner_slot(owner);
    uint64_t identity;

    if (i >= table->count)
        return 0;
    /* Acquire [slot]: as in owner_fate(). */
    identity = atomic_get_acquire(&table->slots[i].identity);
    return make_owner(i, generation_of(identity)) == owner ? pid_of(identity)
                                                           : 0;
}

bool owner_all_are_dead(const struct owner_table *table, uint32_t mark)
{
    bool found = false;

    for (uint32_t i = 0; i < table->count; i++) {
        /* Acquire [slot]: `marks` are not older. */
        uint64_t identity = atomic_get_acquire(&table->slots[i].identity);
        uint32_t owner = make_owner(i, generation_of(identity));

        if (pid_of(identity) == 0 || !owner_is_marked(table, owner, mark))
            continue;
        if (owner_fate(table, owner) != OWNER_IS_DEAD)
            return false;
        found = true;
    }
    return found;
}

bool owner_finds_move(const struct owner_table *table, bool asks,
                      uint32_t *from)
{
    for (; *from < table->count; ++*from) {
        struct shm_owner *slot = &table->slots[*from];
        /* Acquire [slot]: `marks` are not older. */
        uint64_t identity = atomic_get_acquire(&slot->identity);

        /* Acquire [move]: the gate is where a move that is over left it. */
        if (pid_of(identity) &&
            atomic_get_acquire(&slot->marks) >= OWNER_MOVE &&
            !(asks && judge(table, *from, identity) == OWNER_IS_DEAD))
            return true;
    }
    return false;
}

static struct owner_view view_slot(const struct owner_table *table, uint32_t i,
                                   uint64_t identity)
{
    struct shm_owner *slot = &table->slots[i];
    struct owner_view view = {
        .owner = make_owner(i, generation_of(identity)),
        .pid = pid_of(identity),
        .pid_namespace = (uint32_t)(identity & NS_MASK),
        .locked = identity & LOCKED,
        .fate = judge(table, i, identity),
    };

    /* Acquire [stay]: the other words are not older than this stay. */
    if (generation_of(atomic_get_acquire(&slot->started)) ==
        generation_of(identity)) {
        /* Relaxed, all: of this stay, or of a later one; see owner_look(). */
        view.handles = atomic_get_relaxed(&slot->handles) & HANDLES_MASK;
        view.marks = atomic_get_relaxed(&slot->marks);
        view.since = atomic_get_relaxed(&slot->since);
    }
    view.written = atomic_get_relaxed(&slot->written);
    return view;
}

bool owner_look(const struct owner_table *table, uint32_t slot,
                struct owner_view *view)
{
    for (int tries = 0; tries < 8; tries++) {
        /* Acquire [slot]: `started` is not older. */
        uint64_t identity = atomic_get_acquire(&table->slots[slot].identity);

        if (pid_of(identity) == 0)
            return false;
        *view = view_slot(table, slot, identity);
        /* Fence [slot]: comes after the words of the slot. Where stores of the
         * next owner overtake its CAS, a figure can be the next stay's. */
        atomic_full_fence();
        /* Relaxed: after the fence. */
        if (atomic_get_relaxed(&table->slots[slot].identity) == identity)
            return true;
    }
    return false;
}

struct owner_figures owner_count(const struct owner_table *table)
{
    struct owner_figures all = {0};

    for (uint32_t i = 0; i < table->count; i++) {
        const struct shm_owner *slot = &table->slots[i];
        /* Relaxed, all: figures for monitors. */
        uint64_t identity = atomic_get_relaxed(&slot->identity);
        uint32_t marks = atomic_get_relaxed(&slot->marks);

        all.written += atomic_get_relaxed(&slot->written);
        if (pid_of(identity) == 0)
            continue;
        all.used++;
        /* Marks are of this stay once `started` is. */
        if (generation_of(atomic_get_relaxed(&slot->started)) !=
            generation_of(identity))
            continue;
        all.writers += (marks & OWNER_PRODUCES) != 0;
        all.readers += (marks & OWNER_CONSUMES) != 0;
    }
    return all;
}

static uint64_t make_role(uint32_t owner, uint32_t handle)
{
    return (uint64_t)handle << 32 | owner;
}

IpcStatus owner_take_role(const struct owner_table *table, atomic_u64 *role,
                          uint32_t owner, uint32_t handle, bool *inherited)
{
    /* Acquire [role]: all that the last holder did is seen. */
    uint64_t holder = atomic_get_acquire(role);
    uint64_t mine = make_role(owner, handle);

    if (holder == mine)
        return IPC_OK;
    if (holder && owner_fate(table, (uint32_t)holder) != OWNER_IS_DEAD)
        return IPC_ERR_ROLE_TAKEN;
    *inherited = true;
    /* acq_rel [role]: the same, and it is seen by those who come next. */
    if (!atomic_cas_acq_rel(role, holder, mine))
        return IPC_ERR_ROLE_TAKEN;
    if (holder)
        DEBUG_SAY("process %u, the one producer or consumer, is dead: this one "
                  "takes its place",
                  owner_pid(table, (uint32_t)holder));
    return IPC_OK;
}

void owner_drop_role(atomic_u64 *role, uint32_t owner, uint32_t handle)
{
    /* Release [role]: what we did comes before the next holder. Does nothing
     * if the role is not this handle's. */
    atomic_cas_release(role, make_role(owner, handle), 0);
}
