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
    MESSAGES = 256,
    OF_VICTIM = 100, /* first of its messages */
    OF_SURVIVOR = 200,
    STATES_MAX = 2000,
    ASLEEP_MS = 40, /* a step that takes so long is a sleep */
    GRACE_S = 20,   /* what a survivor may need on a busy machine */
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
extern uint32_t mode; /* IPC_BUFFER_ONE_* */
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

/* Checks what was read, and notes it. */
void note_read(const void *payload, size_t size);

IpcStatus write_one(IpcChannel *ch, uint32_t id, size_t size);
IpcStatus read_one(IpcChannel *ch, long timeout_ms);
IpcChannel *join(void);

/* ----------------------------------------------------------- operations.c */

struct operation {
    const char *name;
    void (*before)(void); /* by others */
    void (*act)(IpcChannel *ch);
    uint32_t takes; /* messages that a call may take along */
    enum { ORDINARY, CLOSES, CREATES } kind;
};

extern const struct operation operations[];
extern const size_t operation_count;

void create(void);

/* In a process of its own, which leaves. */
void in_child(void (*what)(void));

/* What is there when the victim begins. */
void set_scene(const struct operation *o);

/* ------------------------------------------------------------- survivor.c */

/* While the victim is stopped: work as far as one gets. */
void work_beside(void);

/* The victim is dead, or through. */
void check_all(const struct operation *o, bool killed);

/* --------------------------------------------------------------- victim.c */

extern int victim_status; /* when it last stopped or ended */

double now(void);

pid_t start_victim(const struct operation *o);

/* Asleep in the kernel, and not just waiting for a CPU. */
bool sleeps(pid_t pid);

/* It noticed nothing wrong: it stopped where it should, at its end. */
bool is_through(void);

/* Lets it go on until the region or the ledger has changed so often, or it is
 * through; returns how often it has. */
uint32_t go_to_state(pid_t pid, uint32_t wanted, bool *asleep);

#endif
