/* SPDX-License-Identifier: MIT */
/*
 * What the files of the stepper share: stepper.c says what it does.
 */
#ifndef SHMIPC_CRASH_H
#define SHMIPC_CRASH_H

#include "ring/layout.h"
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

enum {
    BLOCKS = 8,
    OWNERS = 4,
    SUBSCRIBERS = 2, /* where there are any */
    MESSAGES = 512,
    OF_VICTIM = 100, /* first of its messages */
    OF_OTHERS = 200, /* of those who work while it is stopped */
    OF_SURVIVOR = 400,
    CHANGES_MAX = 200,
    GRACE_S = 20, /* what a survivor may need on a busy machine */
};

/* Outside the ring. */
struct ledger {
    _Atomic uint8_t began[MESSAGES];
    _Atomic uint8_t written[MESSAGES];
    _Atomic uint8_t seen[MESSAGES];
};

extern struct shm_region *region;
extern size_t region_size;
extern struct ledger *ledger;
extern uint32_t mode; /* IPC_BUFFER_ONE_*, _BROADCAST or _ACKNOWLEDGE */
extern uint64_t lap;

#define must(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "not so: %s (%s:%d)\n", #condition, __FILE__,      \
                    __LINE__);                                                 \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

/* ------------------------------------------------------------- messages.c */

struct message {
    uint32_t id;
    uint32_t check;
    unsigned char rest[512];
};

void fill(struct message *m, uint32_t id, size_t size);

/* Checks what was read, and notes it: in the ledger, if no other place is set.
 */
extern _Atomic uint8_t *notes;
void note_read(const void *payload, size_t size);

/* Notes that messages are being written, and of how many that came true. */
void note_began(uint32_t first, uint32_t count);
void note_written(uint32_t first, uint32_t count, size_t written);

IpcStatus write_one(IpcChannel *ch, uint32_t id, size_t size);
IpcStatus read_one(IpcChannel *ch, long timeout_ms);
IpcStatus try_read_one(IpcChannel *ch);
IpcStatus try_to_join(IpcChannel **ch);
IpcChannel *join(void);

/* ------------------------------------------------------------ processes.c */

/* Memory of this process and its children. */
void *share(size_t size);

/* A child that does not outlive its parent. */
pid_t fork_child(void);

/* Waits for its end; returns its status. */
int end_of(pid_t pid);

/* In a process of its own, which leaves; whether it found all as it should be,
 * and that it has. */
bool succeeds(void (*what)(void));
void in_child(void (*what)(void));

/* ---------------------------------------------------------------- scene.c */

/* Formats the memory, in the mode. */
void create(void);

/* Of the mode. */
size_t size_of_region(void);
uint32_t index_bits(void);
bool is_broadcast(void);
bool is_work(void); /* a queue whose entries are held until acknowledged */
struct shm_subscriber *subscriber_slot(uint32_t i);
uint64_t *control_words(void);
uint64_t *holder_words(void); /* of a work queue */

/* States in these, see ring/hold.h. */
enum holder {
    NOT_HELD = 0,
    HELD = 1,
    HELD_AGAIN = 2,
    GIVEN_BACK = 3,
    DONE = 4
};
const unsigned char *block_at(uint32_t block);

/* What is there before a victim acts. */
void nothing(void);
void blank_memory(void);
void near_the_end(void);
void nobody_joined(void);
void three_messages(void);
void three_in_an_array(void);
void sleepers(void); /* said to be there, with three messages */
void full_ring(void);
void dead_producer(void);
void dead_consumer(void);
void dead_ahead(void); /* it had read two ahead */
void dead_claim(void);
void unknown_claim(void); /* of one whom only force removes */
void half_closed(void);
void behind_tail(void); /* one producer: a message that tail is to pass */

/* A handle of the ring that another is made in the place of; or NULL. */
extern IpcChannel *witness;

/* ----------------------------------------------------------- operations.c */

enum kind {
    ORDINARY,
    CLOSES,
    FORCES, /* others recover by force too */
    JOINS,  /* without a handle from before; so do the next */
    CREATES,
    TAPS,
    READS, /* as one that has subscribed from the oldest before */
    /* The same, as one that writers do not wait for; where it goes on behind a
     * gap. It has been evicted before, or may be while it is stopped. */
    LAGS_TO_OLDEST,
    LAGS_TO_NEWEST,
    EVICTED_TO_OLDEST,
    EVICTED_TO_NEWEST,
    EVICTS, /* the bystander, for whom nobody waits */
};

struct operation {
    const char *name;
    void (*before)(void);
    void (*act)(IpcChannel *ch);
    void (*wake)(void); /* by others, if it sleeps; NULL: it never does */
    uint32_t takes;     /* messages that one call may take along */
    enum kind kind;
    uint32_t modes; /* a bit for each in which it changes something */
};

extern const struct operation operations[];
extern const size_t operation_count;

void set_scene(const struct operation *o);

/* What a victim has done before it is stepped, in its own process; and then
 * others. */
IpcChannel *make_ready(const struct operation *o);
void prepare_for(const struct operation *o);

/* ----------------------------------------------------------------- work.c */

/* What victims do in a work queue. */
extern const struct operation operations_of_work[];
extern const size_t operation_of_work_count;

/* ---------------------------------------------------------- subscribers.c */

/* What victims do in a ring with subscribers, and what is there before. */
extern const struct operation operations_of_subscribers[];
extern const size_t operation_of_subscribers_count;

void subscribe(IpcChannel *ch, uint32_t from);

/* A bystander that has subscribed before all, and stops when it has. Until it
 * is let go it does as it is told. Once let go, it reads until the channel is
 * closed. */
void begin_bystander(bool lags);
void end_bystander(void);

/* work_beside() and check_all() for these. */
void work_beside_subscribers(void);
void check_subscribers(const struct operation *o);

/* Whether the bystander, which has been let go and told of the end by a
 * closing, has read all, and who else has read, no less and no more. */
bool bystander_says(void);

/* -------------------------------------------------------------- evicted.c */

/* As victims of that kind have, before they are stepped; and what evicts them
 * then. */
void subscribe_as(IpcChannel *ch, enum kind kind);
void evict(void);
bool kind_lags(enum kind kind);

/* Begins an account, so that each gap is told and as long as was told. */
void subscribe_to_lag(IpcChannel *ch, uint32_t from, uint32_t after_gap);
IpcStatus read_or_be_told(IpcChannel *ch, uint64_t *lost);
uint64_t filler_passed(void); /* bytes */

/* What these victims do. */
void do_read_with_gaps(IpcChannel *ch);
void do_pin_with_gaps(IpcChannel *ch);
void do_unsubscribe(IpcChannel *ch);

/* ----------------------------------------------------------------- taps.c */

extern const struct operation operations_of_taps[];
extern const size_t operation_of_taps_count;

/* To the end of the ring: what there is is whole, and nothing comes twice. Of
 * what is `there`, if that is not NULL, nothing is missing. */
void tap_all(const uint8_t *there);

/* ---------------------------------------------------------------- sight.c */

/* What shared memory holds, read without the library's help. */
struct sight {
    enum { NOT_FORMATTED, NOT_READY, READY } identity;
    bool is_first;  /* the ring that the scene was set in */
    bool closed;    /* a closing has begun */
    bool busy;      /* an entry is being written */
    bool held_up;   /* and no other comes before it */
    uint32_t count; /* of messages there that nobody holds */
    uint8_t there[MESSAGES];
    uint8_t seen[MESSAGES]; /* as noted */
};

struct sight look(void);

/* Of region and ledger, but for what differs from process to process. */
uint64_t hash_of_state(void);

/* Whether it differs from what was remembered last; may say in what. */
void remember_state(void);
bool state_has_changed(bool prints);

/* ------------------------------------------------------------- survivor.c */

/* Others, while the victim is stopped: they work as far as they get. */
bool work_beside(const struct operation *o);

/* How a survivor gets past what a victim left. */
enum way { BY_RECOVER, BY_WAITING, BY_POLLING, WAYS };

/* The victim is dead, when `at` was seen. */
void check_all(const struct operation *o, const struct sight *at, enum way way);

/* --------------------------------------------------------------- victim.c */

/* The changes of shared memory that an operation makes, by their hashes: the
 * first is before all. */
struct course {
    uint32_t changes;
    bool asleep; /* then it sleeps */
    bool through;
    uint64_t hashes[CHANGES_MAX + 1];
};

double now(void);

/* To be called once, before the others. False: there are no single steps. */
bool victim_begin(void);

/* Stopped before it acts. */
pid_t start_victim(const struct operation *o);

/* Lets it go on until shared memory has changed so often, or it is through, or
 * sleeps. */
struct course go_on(pid_t pid, uint32_t changes, bool prints);

/* Whether it got to its end, and noticed nothing wrong. */
bool is_through(void);

/* Lets it go on for so many instructions, or to its end. False: it is there. */
bool step(pid_t pid, uint32_t instructions);

/* Lets it go on to its end; `wake` as in the operation. False: it did not get
 * there, or noticed something wrong. */
bool go_to_end(pid_t pid, void (*wake)(void));

#endif
