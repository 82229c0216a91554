/* SPDX-License-Identifier: MIT */
/*
 * What the library asks of the kernel when it sleeps and wakes: stand-ins for
 * lib/wait/futex.c, lib/wait/clock.c and for membarrier.
 */
#include "model.h"
#include "place/maker.h"
#include "place/place.h"
#include "ring/mapping.h"
#include "wait/clock.h"
#include "wait/futex.h"
#include "backing.h"

/* Time stands still: no deadline passes. What is to end sooner than the cap on
 * all sleeps is a nap, which may end at any moment. */
int64_t clock_now(void)
{
    return 0;
}

int64_t clock_roughly_now(void)
{
    return 0;
}

int64_t clock_after(int64_t ns)
{
    return ns;
}

int64_t clock_after_timeout(const struct timespec *timeout)
{
    return timeout ? (int64_t)timeout->tv_sec : INT64_MAX;
}

bool futex_sleep(atomic_u32 *word, uint32_t seen, int64_t deadline)
{
    memory_perform((struct access){SLEEP, location_of(word), MODEL_RELAXED,
                                   seen, deadline < WAIT_CAP_NS});
    return true;
}

/* Nobody asks to be watched here. */
bool futex_sleep_untimed(atomic_u32 *word, uint32_t seen, uint32_t groups)
{
    (void)groups;
    return futex_sleep(word, seen, 0);
}

void futex_rouse(atomic_u32 *word, uint32_t groups)
{
    (void)groups;
    futex_wake(word);
}

void futex_wake(atomic_u32 *word)
{
    if (current != CHECKER)
        memory_perform(
            (struct access){WAKE, location_of(word), MODEL_RELAXED, 0, 0});
}

void process_fence_others(void)
{
    if (!running->no_membarrier)
        memory_barrier();
}

bool mapping_may_store(const atomic_u32 *word)
{
    (void)word;
    return true;
}

void place_leave(struct place *place)
{
    (void)place;
}

/* By name nobody opens anything here. */
IpcStatus maker_begin(const void *memory, const IpcBufferOptions *own,
                      int *lock, const char **detail)
{
    (void)memory, (void)own, (void)detail;
    *lock = -1;
    return IPC_OK;
}

void maker_end(int lock)
{
    (void)lock;
}

bool maker_finds_zeros(int lock)
{
    (void)lock;
    return false;
}

/* Nobody polls here. */
void patrol_arm(struct IpcChannel *ch)
{
    (void)ch;
}

bool patrol_watches(struct IpcChannel *ch)
{
    (void)ch;
    return false;
}

void patrol_leave(struct IpcChannel *ch)
{
    (void)ch;
}

bool mapping_is_shared(const void *memory)
{
    (void)memory;
    return false;
}

/* Locks on bytes of a file. The kernel does one after the other, each as if by
 * a full fence. */
static struct backing *const the_file = (void *)&world;

struct backing *backing_find(const void *memory, uint64_t *offset)
{
    (void)memory;
    *offset = 0;
    return running->locks ? the_file : NULL;
}

struct backing *backing_open(int fd)
{
    (void)fd;
    return NULL;
}

bool backing_read(int fd, uint64_t place, void *to, size_t size)
{
    (void)fd;
    (void)place;
    (void)to;
    (void)size;
    return false;
}

void backing_release(struct backing *b)
{
    (void)b;
}

bool backing_lock(struct backing *b, uint64_t place)
{
    (void)b;
    if (tracking)
        memory_perform((struct access){LOCK, -1, MODEL_ACQUIRE, 1, place / 64});
    else
        script_lock(place / 64, 1);
    return true;
}

void backing_unlock(struct backing *b, uint64_t place)
{
    (void)b;
    memory_perform(
        (struct access){LOCK, -1, MODEL_ACQUIRE, UINT32_MAX, place / 64});
}

enum backing_holder backing_ask(struct backing *b, uint64_t place)
{
    (void)b;
    return memory_perform(
               (struct access){ASK, -1, MODEL_ACQUIRE, 0, place / 64})
               ? BACKING_SOMEBODY
               : BACKING_NOBODY;
}

bool process_needs_fence(void)
{
    return running->no_membarrier;
}
