/* SPDX-License-Identifier: MIT */
/*
 * The small-scope checker: runs the library's own sources, two to four
 * participants on a ring of one to four blocks, and explores what they can do
 * to each other exhaustively.
 *
 * HOW IT WORKS
 *   lib/ring/atomics.h and lib/ring/payload.h are the only doors to shared
 *   memory; under SHMIPC_MODEL both lead here. A participant ("actor") is a
 *   coroutine that stops before each access to a shared location. The explorer
 *   (explore.c) is a depth-first search over "who goes next" and, in weak mode,
 *   "which of the allowed values does it see". It goes back by restoring
 *   snapshots of all that can change: struct world and the used part of the
 *   actors' stacks. States that were seen before are cut off. Actors are
 *   deterministic, so a state is known by its memory plus, per actor, a hash of
 *   what it has seen since its last call began, its results so far, and its
 *   handle.
 *
 * MEMORY
 *   --sc    one value per location, each access takes effect at once.
 *   --weak  RC11 without promises, as an operational model with views: each
 *           location keeps the history of its messages in modification order;
 *           an actor's view says how far it knows each history; a load may
 *           return any message that is not older; a release attaches the view
 *           to the message and an acquire joins it; a read-modify-write takes
 *           its message's neighbour, and continues its release sequence. A
 *           store may also go between older messages, where nothing that the
 *           actor knows forbids it. Payload is plain memory: accesses that are
 *           not ordered by views are violations (races), except a copy that
 *           was thrown away because the head CAS failed, or because a tap
 *           could not prove it. A release fence attaches the view to all that
 *           its actor stores later in the call, payload too; an acquire fence
 *           joins what was attached to all that its actor has loaded.
 *
 * STOPPING
 *   At every single state (check.c) all actors that have not finished are
 *   stopped for ever, in two ways: dead (somebody recovers, drains, refills),
 *   and asleep (somebody goes laps around the ring, then they wake and go on).
 *   Scenarios with `kills` also kill actors in the middle of the exploration,
 *   so that recovery races with everything.
 *
 * CHECKED
 *   Each write that returned IPC_OK is read exactly once, whole, in its
 *   producer's order; one that did not return is read at most once and whole,
 *   one that failed or was aborted never. No status that cannot be explained:
 *   "empty" and "no space" must have been true at some moment of the call (in
 *   SC mode). If nobody stopped, all drains without recovery. Head and tail
 *   stay in bounds, and head's item is one that the array there has. After
 *   recovery everything drains and the ring can be filled to the last block,
 *   and by one entry of maximum size. No call needs more than STEPS_PER_CALL
 *   steps.
 *
 * SLEEPING (wake.c, kernel.c)
 *   Scripts with capital letters use channels: lib/wait and lib/channel over
 *   stand-ins for futex and membarrier. Who waits on a futex cannot go on until
 *   it is woken; what the library sleeps for a short time only is a nap, which
 *   ends when something has changed. Full fences are steps that share a view;
 *   membarrier makes everybody pass one; on machines like x86 (.x86) a
 *   read-modify-write is one too. When nobody can go on, it is checked that
 *   nobody sleeps although there is an entry, room, or a closed channel for it.
 *
 * NOT COVERED
 *   Small scope: a few calls on a few blocks. Load-buffering (a load that
 *   returns what is stored later because of it) is outside RC11. A CAS that
 *   fails sees the latest value. Stale choices are limited per call
 *   (--stale). A generation of an owner slot or a lap tag that wraps around
 *   within one stalled step is out of reach. Of channels: no
 *   clock (sleeps have no cap, but after a death; no timeouts, no spinning), no
 *   descriptors to poll, one region. A load that is delayed past a later store
 *   does not happen.
 */
#ifndef MODEL_H
#define MODEL_H

#include "channel/channel.h"
#include "tap/follow.h"
#include <setjmp.h>
#include <stdio.h>

enum {
    MAX_ACTORS = 5,
    CHECKER = MAX_ACTORS, /* the one who drains and judges */
    MAX_CALLS = 6,
    MAX_BLOCKS = 4,
    MAX_OWNERS = MAX_ACTORS + 1,
    REGION_BYTES = 1280,
    LOCATIONS_MAX = 42,
    VIEW_SIZE = 48, /* locations, then one clock per actor */
    MESSAGES_MAX = 48,
    POOL_MAX = 400,
    CHECKER_IDS = 40,
    CHECKER_ID = 1000,
    STEPS_PER_CALL = 120,
    STEPS_PER_BLOCKING_CALL = 480, /* without a sleep in between */
    STALE_DEFAULT = 2, /* choices of a value that is not the latest, per call */
};

/* ------------------------------------------------------------- scenarios */

struct scenario {
    const char *name;
    uint32_t blocks;
    uint32_t flags;
    const char *script;   /* see script.c */
    int kills;            /* actors that may be killed during the run */
    const char *killable; /* "ab": which; NULL: all */
    uint64_t lap;         /* where the ring starts, 0: as created */
    uint32_t index;
    uint32_t age[MAX_BLOCKS]; /* laps since each word was stored; 0: 1 */
    bool cold;                /* actors register during the run */
    bool enters;              /* how handles enter and leave is steps too */
    bool locks;               /* the memory's file is known, so slots are */
    bool strangers;           /* nobody can tell that another one died */
    const char *dead;         /* "c": died before the run, but registered */
    bool small;               /* there are entries of half a block */
    bool x86;                 /* a read-modify-write is a full fence */
    bool no_membarrier;       /* the kernel has none */
    bool gives_back;          /* the one consumer gives lines back */
    bool ordered;         /* relies on stores in order: not in weak memory */
    int owners;           /* 0: enough */
    uint32_t subscribers; /* slots for them, in a ring that is no queue */
    int stale;            /* stale choices per call; 0: the default */
    int quick_sc;         /* preemptions in the quick run; 0: not part of it */
    int quick_weak;       /* the same in weak mode */
};

enum { ANY = 1000 }; /* preemptions: all interleavings */

extern const struct scenario scenarios[];
extern const unsigned scenario_count;

enum call_kind {
    CALL_WRITE = 'w',
    CALL_BATCH = 'b',
    CALL_ARRAY = 'a',
    CALL_RESERVE = 's',
    CALL_READ = 'r',
    CALL_READ_BATCH = 'q',
    CALL_READ_ARRAY = 'y',
    CALL_GAP_READ = 'g',
    CALL_PEEK = 'p',
    CALL_READ_AHEAD = 'l',
    CALL_ACKNOWLEDGE = 'k',
    CALL_ACKNOWLEDGE_ONE = 'j',
    CALL_GIVE_BACK = 'u',
    CALL_RECOVER = 'v',
    CALL_FORCE = 'f',
    CALL_FORCE_OUT = 'x',
    CALL_CLOSE = 'd',
    CALL_OPEN = 'o',
    CALL_SHUT = 'c',
    CALL_TAP = 't',
    CALL_TAP_PASS = 'z',
    CALL_JOIN = 'h',         /* subscribe from now */
    CALL_JOIN_OLDEST = 'e',  /* from the oldest */
    CALL_JOIN_LAGGING = 'i', /* the same, and never waited for */
    CALL_LEAVE = 'm',        /* unsubscribe */
    CALL_NEWEST = 'n',       /* read the newest */
    CALL_PIN = '1',          /* pin the newest, use it, unpin */
    CALL_PIN_NEXT = '2',     /* pin the next, use it, unpin */
    CALL_PIN_AND_STAY = '3', /* pin the next, and leave it so */
    /* Through a channel: */
    CALL_SEND = 'W', /* waits for space */
    CALL_TRY_SEND = 'N',
    CALL_SEND_RESERVED = 'S',
    CALL_RECEIVE = 'R', /* waits for an entry */
    CALL_TRY_RECEIVE = 'T',
    CALL_RECEIVE_IN_SET = 'M', /* waits as a waitset does */
    CALL_REPAIR = 'V',
    CALL_END = 'C', /* closes the channel */
    CALL_INTERRUPT = 'I',
};

struct call {
    char kind;
    uint32_t size;   /* bytes written or reserved */
    uint32_t commit; /* reservation: bytes committed, 0: abort */
    uint32_t wanted; /* bytes of each entry of an array that is read */
};

struct script {
    struct call calls[MAX_CALLS];
    int count;
    int process; /* actor whose process this one shares */
    int handle;  /* and whose handle */
};

extern struct script scripts[MAX_ACTORS];
extern int actor_count;
extern const struct scenario *running;

/* ----------------------------------------------------------------- state */

enum access_kind {
    LOAD,
    STORE,
    CAS,
    ADD,
    SWAP,
    PLAIN_LOAD,
    PLAIN_STORE,
    FATE,
    FENCE,   /* a full one */
    BARRIER, /* one in every process: membarrier */
    SLEEP,   /* futex wait, while the word is `value` */
    WAKE,    /* futex wake, of all who sleep on the word */
    LOCK,    /* `value` holds of the slot `seen` more, in the kernel */
    ASK,     /* who else has locked the slot `seen` */
};

struct access {
    enum access_kind kind;
    int location;
    enum model_order order;
    uint64_t value; /* to store, or to add; FATE: the process */
    uint64_t seen;  /* CAS */
};

struct result {
    IpcStatus status;
    uint32_t id; /* of the entry that was read */
    uint64_t offset;
    uint32_t size; /* of what was read ahead */
};

/* A napper may wake up by itself, a sleeper may not. */
enum actor_state { RUNS, DONE, DEAD, SLEEPS, NAPS };

struct actor {
    enum actor_state state;
    int call;    /* index in the script */
    int batched; /* batches and arrays have written the calls before it */
    int steps;   /* in this call */
    int stale;   /* stale choices left in this call */
    int choice;
    bool empty_true; /* "empty" was true at some moment of the call */
    bool full_true;  /* so was "no space" */
    bool other_true; /* and "an entry of another size" */
    bool looked;     /* at the head: the next copy begins a new attempt */
    bool raced;      /* a copy in hand was not ordered after its stores */
    bool took;       /* an entry, but has not returned */
    bool waits;      /* for another thread's lock */
    bool stirred;    /* others did something while it napped */
    bool vain;       /* it napped although nobody else ran */
    int sleeps_on;   /* location */
    uint32_t copied; /* payload chunks copied in this attempt, bits */
    uint64_t hash;   /* what it has seen since then */
    struct access pending;
    struct result results[MAX_CALLS];
    unsigned char *sp;
    uint8_t view[VIEW_SIZE];
    uint8_t fenced[VIEW_SIZE]; /* goes with all it stores in this call */
    uint8_t loaded[VIEW_SIZE]; /* what came with all it loaded in this call */
    jmp_buf context;
};

struct message {
    uint64_t value;
    uint64_t hash;
    bool rmw; /* follows the message before it for ever */
    uint8_t view[VIEW_SIZE];
};

struct location {
    uint8_t count;
    uint16_t at[MESSAGES_MAX]; /* in the pool; oldest first */
};

/* What an actor has as a subscriber; bits are numbers of entries. */
struct reading {
    bool joining;
    bool joined;
    bool anything; /* what the next entry is need not be known */
    uint64_t got;
    uint64_t must;  /* written by calls that began after it had joined */
    uint64_t never; /* written before it began to join, from now */
    uint64_t offset;
    uint32_t dead;   /* a bit for each actor that was when the call began */
    uint32_t pinned; /* the number of what it has pinned, or 0 */
    unsigned char *pinned_at;
};

/* Everything that can change; restored by memcpy, so it never moves. */
struct world {
    _Alignas(64) unsigned char region[REGION_BYTES];
    struct IpcChannel channels[MAX_ACTORS + 1]; /* buffers, most of them */
    struct actor actors[MAX_ACTORS + 1];
    struct follower taps[MAX_ACTORS];
    uint8_t read_clock[LOCATIONS_MAX][MAX_ACTORS + 1]; /* of payload's takers */
    uint8_t fence_view[VIEW_SIZE];
    int kills_left;
    int trace_length;
    int checker_written;
    uint32_t locks[MAX_ACTORS + 1][MAX_OWNERS]; /* by process and slot */
    uint8_t checker_read[CHECKER_IDS];          /* times */
    uint8_t read_count[MAX_ACTORS][MAX_CALLS];
    uint64_t read_offset[MAX_ACTORS][MAX_CALLS];
    struct reading readings[MAX_ACTORS + 1];
    struct location locations[LOCATIONS_MAX];
    int pool_used;
    struct message pool[POOL_MAX];
};

extern struct world world;
extern int current;   /* who runs */
extern bool tracking; /* false while the ring is set up */

/* --------------------------------------------------------------- options */

struct options {
    bool weak;
    int bound; /* preemptions; -1: none */
    int stale;
    uint64_t max_states;
    bool verbose;
};
extern struct options options;

/* Payload is stored and copied in pieces of so many bytes. */
static inline uint32_t chunk_size(void)
{
    return options.weak && !running->small ? SHMIPC_BLOCK : SHMIPC_BLOCK / 2;
}

/* Calls that claim, and calls that read. */
#define CALLS_WRITE   "wsbaoWNS"
#define CALLS_READ    "rpgqylRTMn123"
#define CALLS_CHANNEL "WNSRTMVCI"

/* tapped.c */
bool tapped_is_on(void);
void tapped_begin(int actor);
IpcStatus tapped_call(int actor, const struct call *call,
                      struct result *result);
void tapped_drain(void);
uint64_t tapped_hash(int actor, uint64_t hash);

/* script.c, on locks */
int process_of_current(void);
void script_lock(uint64_t slot, uint64_t change);
bool script_is_locked(uint64_t slot);

/* locations.c */
enum { LOCATION_TAIL, LOCATION_HEAD, LOCATION_TAIL_ROLE, LOCATION_HEAD_ROLE };
void location_map(uint32_t blocks, uint32_t owners);
int location_of(const volatile void *p);
int location_control(uint32_t index);
bool location_is_holder(int location);
const char *location_name(int location);

/* memory.c */
void memory_barrier(void);
/* Whether accesses see stale values now. */
bool memory_is_weak(void);
/* A full fence of that actor, which is not a step of its own. */
void memory_fence_of(struct actor *me);
uint64_t memory_perform(struct access a);
void memory_begin(void);
uint64_t memory_choices(const struct actor *a);
uint64_t memory_latest(int location);
uint64_t memory_known(int actor, int location);
uint64_t memory_peek(const volatile void *p, size_t size);
uint64_t memory_hash(void);
uint64_t memory_latest_hash(void);
void memory_taken(int actor);
void memory_copied(int actor);
void memory_settle(bool settled); /* latest values only */

/* schedule.c */
void schedule_start(int actor);
void schedule_step(int actor, int choice);
void schedule_yield(void);
struct snapshot;
struct snapshot *snapshot_make(struct snapshot *reuse);
void snapshot_restore(const struct snapshot *s);

/* calls.c */
IpcStatus call_write(struct IpcBuffer *b, const void *data, size_t size);
IpcStatus call_read(struct IpcBuffer *b, IpcEntry *dest);
IpcStatus call_reserve(struct IpcBuffer *b, size_t size, IpcReservation *dest);
IpcStatus call_commit(struct IpcBuffer *b, const IpcReservation *reservation,
                      size_t size);
IpcStatus call_peek(struct IpcBuffer *b, IpcEntry *dest);
IpcStatus call_skip(struct IpcBuffer *b, uint64_t offset);
void call_shut(struct IpcBuffer *b);

/* script.c */
void script_parse(const char *text);
void script_run(int actor);
void script_setup(const struct scenario *s);
IpcStatus script_write(int actor, uint32_t id, uint32_t size);
IpcStatus script_read(int actor, struct result *result);
void script_kill(int actor);
bool actor_is_dead(int process);
uint64_t actor_boundary_hash(int actor);
void script_fill(unsigned char *to, uint32_t id, uint32_t size);
int script_together(int actor, int call);
static inline uint32_t actor_id(int actor, int call)
{
    return (uint32_t)actor * MAX_CALLS + (uint32_t)call + 1;
}

/* acknowledge.c */
bool acknowledge_is_held(void);
IpcStatus acknowledge_read(int actor, struct result *result);
IpcStatus acknowledge_call(int actor, char kind, struct result *result);

/* truth.c */
void truth_begin(int actor);
void truth_moment(void);
uint32_t truth_next_size(void);
bool truth_lacks_room(uint32_t size);

/* check.c */
uint64_t tail_now(void);
void check_state(void);
void check_stopped(void);
uint32_t check_whole(const unsigned char *payload, size_t size);
void check_entry(const unsigned char *payload, size_t size, uint64_t offset,
                 struct result *result);
void check_seen(const unsigned char *payload, size_t size, uint64_t offset,
                struct result *result);
extern uint64_t crash_points;

/* judged.c: whether the same was judged before; if not, it is now */
void judged_forget(void);
bool judged_stopped(void);
bool judged_dead(bool undisturbed);

/* entered.c */
void check_entered(void);
/* The process that an owner is of, or -1. */
int entered_process_of(uint32_t owner);
void check_claims(void);
bool ring_is_closed(void);
void check_told_closed(void);

/* broadcast.c */
bool broadcast_is(void);
IpcStatus broadcast_call(int actor, char kind);

/* pinned.c */
bool newest_is_sought(int actor);
IpcStatus newest_call(int actor, char kind, struct result *result);
void newest_check_state(void);

void broadcast_begin(int actor);
void broadcast_end(int actor, IpcStatus status);
void broadcast_check_entry(uint32_t id, uint64_t offset);
void broadcast_check_state(void);
void broadcast_check_stopped(void);
uint64_t broadcast_hash(void);

/* wake.c */
void wake_begin(void);
bool wake_is_channel(void);
void wake_join(int handle);
void wake_enter(int actor);
IpcStatus wake_call(int actor, const struct call *call, uint32_t id,
                    struct result *result);
bool wake_is_interrupted(int actor);
bool wake_may_step(int actor);
void wake_begin_step(int actor);
void wake_stir(void);
void wake_fall_asleep(int actor, int location, bool nap);
void wake_after_death(void);
void wake_note_take(struct actor *a, uint64_t head);
void wake_check_sleepers(void);

/* explore.c */
struct report {
    uint64_t states;
    uint64_t steps;
    uint64_t kills;
    uint64_t pruned;
    double executions;
    bool full; /* the limit of states was hit */
};
struct report explore(const struct scenario *s);

/* trace.c */
void trace_access(int actor, const struct access *a, int choice,
                  uint64_t result);
void trace_result(int actor, const struct result *result);
void trace_event(int actor, const char *what);
void trace_print(void);
_Noreturn void violation(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
_Noreturn void harness_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static inline uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t size);

#endif
