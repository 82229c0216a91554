/* SPDX-License-Identifier: MIT */
/*
 * A victim does one operation, step by step under ptrace. At each state of
 * shared memory that it goes through a fresh victim is killed, and a survivor
 * checks everything; then another one is stopped there, others work, and it
 * goes on.
 *
 *     stepper [-a] [OPERATION...]     -a: all modes and laps
 *
 * What was written and read is noted outside the ring, one word per message:
 *
 *     written     a write of it returned
 *     began       a write of it was begun: it may have happened or not
 *     seen        how often a read returned it
 *
 * At the end every message that was written is seen once. Those that were begun
 * only are seen once or not at all, of a batch the first ones. A reader that
 * was killed may have taken along what its one call can take.
 */
#include "ring/control.h"
#include <errno.h>
#include <shmipc/ipc_batch.h>
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
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

struct ledger {
    _Atomic uint8_t began[MESSAGES];
    _Atomic uint8_t written[MESSAGES];
    _Atomic uint8_t seen[MESSAGES];
};

static struct shm_region *region;
static size_t region_size;
static struct ledger *ledger;
static uint32_t mode;
static uint64_t lap;

#define must(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "not so: %s (line %d)\n", #condition, __LINE__);   \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

/* --------------------------------------------------------------- messages */

struct message {
    uint32_t id;
    uint32_t check;
    unsigned char rest[512];
};

static void fill(struct message *m, uint32_t id, size_t size)
{
    m->id = id;
    m->check = ~id;
    for (size_t i = 8; i < size; i++)
        m->rest[i - 8] = (unsigned char)(id + i);
}

static void note_read(const void *payload, size_t size)
{
    struct message m;

    must(size >= 8 && size <= sizeof m);
    memcpy(&m, payload, size);
    must(m.check == ~m.id && m.id < MESSAGES);
    for (size_t i = 8; i < size; i++)
        must(m.rest[i - 8] == (unsigned char)(m.id + i));
    must(ledger->began[m.id]);
    ledger->seen[m.id]++;
}

static IpcStatus write_one(IpcChannel *ch, uint32_t id, size_t size)
{
    struct message m;
    IpcStatus status;

    fill(&m, id, size);
    ledger->began[id] = 1;
    status = ipc_channel_write(ch, &m, size).ipc_status;
    if (status == IPC_OK)
        ledger->written[id] = 1;
    else
        ledger->began[id] = 0;
    return status;
}

static IpcStatus read_one(IpcChannel *ch, long timeout_ms)
{
    const struct timespec timeout = {timeout_ms / 1000,
                                     timeout_ms % 1000 * 1000000};
    struct message m;
    IpcEntry entry = {0, &m, sizeof m};
    IpcStatus status =
        ipc_channel_read_into_with_timeout(ch, &entry, &timeout).ipc_status;

    if (status == IPC_OK)
        note_read(&m, entry.size);
    return status;
}

static IpcChannel *join(void)
{
    IpcChannelConfiguration configuration =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);
    IpcChannelConnectResult r;

    configuration.spin_ns = IPC_CHANNEL_NO_SPIN;
    r = ipc_channel_connect_sized(region, region_size, configuration);
    must(r.ipc_status == IPC_OK);
    return r.result;
}

/* -------------------------------------------------------------- the scene */

static void create(void)
{
    IpcChannelConfiguration configuration =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);
    IpcChannelResult r;

    configuration.flags = mode;
    configuration.max_owners = OWNERS;
    r = ipc_channel_create(region, region_size, configuration);
    must(r.ipc_status == IPC_OK);
    ipc_channel_destroy(r.result);
}

static uint64_t *control_words(void)
{
    return (uint64_t *)(void *)((unsigned char *)region +
                                (sizeof *region +
                                 OWNERS * sizeof(struct shm_owner) + 63) /
                                    64 * 64);
}

/* The empty ring as it is after so many laps, at that block. */
static void set_position(uint32_t block)
{
    uint64_t position = lap << 3 | block; /* 8 blocks */

    region->identity.creation = 1; /* offsets count from lap 1 */
    region->tail.position = position;
    region->head.position = position;
    for (uint32_t i = 0; i < BLOCKS; i++)
        control_words()[i] = control_make((uint32_t)(i < block ? lap : lap - 1),
                                          64, CONTROL_READY);
}

/* In a process of its own, which leaves. */
static void in_child(void (*what)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        what();
        _exit(0);
    }
    must(waitpid(pid, &status, 0) == pid && status == 0);
}

static void write_three(void)
{
    IpcChannel *ch = join();

    for (uint32_t id = 0; id < 3; id++)
        must(write_one(ch, id, 40) == IPC_OK);
    ipc_channel_destroy(ch);
}

static void write_all_blocks(void)
{
    IpcChannel *ch = join();
    uint32_t id = 0;

    while (write_one(ch, id, 40) == IPC_OK)
        id++;
    must(id == BLOCKS);
    ipc_channel_destroy(ch);
}

static void die_as_producer(void)
{
    IpcChannel *ch = join();

    must(write_one(ch, 0, 40) == IPC_OK);
    _exit(0);
}

static void die_in_write(void)
{
    IpcChannel *ch = join();
    IpcReservation r;

    must(ipc_channel_reserve(ch, 100, &r).ipc_status == IPC_OK);
    /* The one producer cannot have two claims. */
    if (!(mode & IPC_BUFFER_ONE_PRODUCER))
        must(write_one(ch, 0, 40) == IPC_OK);
    _exit(0);
}

static void three_messages(void)
{
    in_child(write_three);
}

static void full_ring(void)
{
    in_child(write_all_blocks);
}

static void dead_producer(void)
{
    in_child(die_as_producer);
}

static void dead_claim(void)
{
    in_child(die_in_write);
}

static void near_the_end(void)
{
    set_position(6);
}

static void nothing(void)
{
}

/* ------------------------------------------------------------- operations */

static void do_write(IpcChannel *ch)
{
    write_one(ch, OF_VICTIM, 100);
}

static void do_write_long(IpcChannel *ch)
{
    write_one(ch, OF_VICTIM, 3 * 64);
}

static void do_commit(IpcChannel *ch)
{
    struct message m;
    IpcReservation r;

    fill(&m, OF_VICTIM, 40);
    if (ipc_channel_reserve(ch, 150, &r).ipc_status != IPC_OK)
        return;
    ledger->began[OF_VICTIM] = 1;
    memcpy(r.payload, &m, 40);
    if (ipc_channel_commit(ch, &r, 40).ipc_status == IPC_OK)
        ledger->written[OF_VICTIM] = 1;
}

static void do_abort(IpcChannel *ch)
{
    IpcReservation r;

    if (ipc_channel_reserve(ch, 150, &r).ipc_status == IPC_OK)
        ipc_channel_abort(ch, &r);
}

static void do_batch(IpcChannel *ch)
{
    struct message m[3];
    struct iovec entries[3];

    for (uint32_t i = 0; i < 3; i++) {
        fill(&m[i], OF_VICTIM + i, 30 + 40 * i);
        entries[i] = (struct iovec){&m[i], 30 + 40 * i};
        ledger->began[OF_VICTIM + i] = 1;
    }
    if (ipc_channel_write_batch(ch, entries, 3).result == 3)
        for (uint32_t i = 0; i < 3; i++)
            ledger->written[OF_VICTIM + i] = 1;
}

static void do_array(IpcChannel *ch)
{
    uint32_t items[10][2];

    for (uint32_t i = 0; i < 10; i++) {
        items[i][0] = OF_VICTIM + i;
        items[i][1] = ~items[i][0];
        ledger->began[OF_VICTIM + i] = 1;
    }
    if (ipc_channel_write_array(ch, items, sizeof items[0], 10).result == 10)
        for (uint32_t i = 0; i < 10; i++)
            ledger->written[OF_VICTIM + i] = 1;
}

static void do_write_blocking(IpcChannel *ch)
{
    struct message m;

    fill(&m, OF_VICTIM, 40);
    ledger->began[OF_VICTIM] = 1;
    if (ipc_channel_write_blocking(ch, &m, 40).ipc_status == IPC_OK)
        ledger->written[OF_VICTIM] = 1;
}

static void do_read(IpcChannel *ch)
{
    struct message m;
    IpcEntry entry = {0, &m, sizeof m};

    if (ipc_channel_try_read_into(ch, &entry).ipc_status == IPC_OK)
        note_read(&m, entry.size);
}

static void do_read_allocated(IpcChannel *ch)
{
    IpcEntry entry;

    if (ipc_channel_try_read(ch, &entry).ipc_status != IPC_OK)
        return;
    note_read(entry.payload, entry.size);
    free(entry.payload);
}

static void do_read_batch(IpcChannel *ch)
{
    struct message m[3];
    IpcEntry entries[3];
    IpcChannelReadBatchResult r =
        ipc_channel_try_read_batch(ch, entries, 3, m, sizeof m);

    for (size_t i = 0; r.ipc_status == IPC_OK && i < r.result; i++)
        note_read(entries[i].payload, entries[i].size);
}

static void do_read_array(IpcChannel *ch)
{
    unsigned char items[3][40];
    IpcChannelReadBatchResult r =
        ipc_channel_try_read_array(ch, items, sizeof items[0], 3);

    for (size_t i = 0; r.ipc_status == IPC_OK && i < r.result; i++)
        note_read(items[i], sizeof items[i]);
}

static void do_read_blocking(IpcChannel *ch)
{
    read_one(ch, 3600 * 1000L);
}

static void do_peek_and_skip(IpcChannel *ch)
{
    unsigned char copy[64];
    IpcEntry entry;

    if (ipc_channel_peek(ch, &entry).ipc_status != IPC_OK)
        return;
    memcpy(copy, entry.payload, entry.size);
    if (ipc_channel_skip(ch, entry.offset).ipc_status == IPC_OK)
        note_read(copy, entry.size);
}

static void do_skip_force(IpcChannel *ch)
{
    if (ipc_channel_skip_force(ch).ipc_status == IPC_OK)
        ledger->seen[0]++; /* the first in the ring */
}

static void do_recover(IpcChannel *ch)
{
    ipc_channel_recover(ch, false);
}

static void do_close(IpcChannel *ch)
{
    ipc_channel_close(ch);
}

static void do_join(IpcChannel *ch)
{
    IpcChannel *second = join();

    (void)ch;
    write_one(second, OF_VICTIM, 40);
}

static void do_destroy(IpcChannel *ch)
{
    IpcReservation r;

    IPC_IGNORE(ipc_channel_reserve(ch, 100, &r));
    ipc_channel_destroy(ch);
}

static void do_create(IpcChannel *ch)
{
    (void)ch;
    create();
}

static const struct operation {
    const char *name;
    void (*before)(void); /* by others */
    void (*act)(IpcChannel *ch);
    uint32_t takes; /* messages that a call may take along */
    enum { ORDINARY, CLOSES, CREATES } kind;
} operations[] = {
    {"write", nothing, do_write, 0, ORDINARY},
    {"write-around-the-end", near_the_end, do_write_long, 0, ORDINARY},
    {"commit", nothing, do_commit, 0, ORDINARY},
    {"abort", nothing, do_abort, 0, ORDINARY},
    {"batch", nothing, do_batch, 0, ORDINARY},
    {"batch-around-the-end", near_the_end, do_batch, 0, ORDINARY},
    {"array", nothing, do_array, 0, ORDINARY},
    {"write-that-sleeps", full_ring, do_write_blocking, 0, ORDINARY},
    {"read", three_messages, do_read, 1, ORDINARY},
    {"read-allocated", three_messages, do_read_allocated, 1, ORDINARY},
    {"read-batch", three_messages, do_read_batch, 3, ORDINARY},
    {"read-array", three_messages, do_read_array, 3, ORDINARY},
    {"read-that-sleeps", nothing, do_read_blocking, 1, ORDINARY},
    {"peek-and-skip", three_messages, do_peek_and_skip, 1, ORDINARY},
    {"skip-force", three_messages, do_skip_force, 1, ORDINARY},
    {"take-the-role-over", dead_producer, do_write, 0, ORDINARY},
    {"recover", dead_claim, do_recover, 0, ORDINARY},
    {"read-past-a-dead-claim", dead_claim, do_read_blocking, 1, ORDINARY},
    {"join-and-write", nothing, do_join, 0, ORDINARY},
    {"destroy-with-a-reservation", three_messages, do_destroy, 0, ORDINARY},
    {"close", three_messages, do_close, 0, CLOSES},
    {"create", three_messages, do_create, 0, CREATES},
};

/* ---------------------------------------------------------- the survivors */

/* While the victim is stopped: work as far as one gets. */
static void work_beside(void)
{
    IpcChannel *ch = join();

    write_one(ch, OF_SURVIVOR, 40);
    while (read_one(ch, 1) == IPC_OK)
        continue;
    ipc_channel_recover(ch, false);
    ipc_channel_destroy(ch);
}

/* The victim is dead, or through. */
static void drain(IpcChannel *ch, bool closed)
{
    IpcStatus status;

    while ((status = read_one(ch, closed ? 2000 : 3)) == IPC_OK)
        continue;
    must(status == (closed ? IPC_ERR_CLOSED : IPC_ERR_TIMEOUT));
}

/* Everything written is seen once, everything else at most once, and what a
 * call took along is no more than it can take. */
static void check_ledger(const struct operation *o, bool killed)
{
    uint32_t lost = 0;

    for (uint32_t id = 0; id < MESSAGES; id++) {
        must(ledger->seen[id] <= 1);
        lost += ledger->written[id] && !ledger->seen[id];
        /* Of a batch or array the first ones. */
        if (id > OF_VICTIM && id < OF_SURVIVOR && ledger->seen[id])
            must(ledger->seen[id - 1]);
    }
    must(lost <= (killed ? o->takes : 0));
}

static void new_traffic_flows(IpcChannel *ch)
{
    const uint32_t last = OF_SURVIVOR + 40;

    for (uint32_t id = OF_SURVIVOR + 1; id < last; id++) {
        must(write_one(ch, id, 8 + id % 5 * 50) == IPC_OK);
        must(read_one(ch, 2000) == IPC_OK);
        must(ledger->seen[id] == 1);
    }
}

static bool is_closed(IpcChannel *ch)
{
    IpcStatus status = write_one(ch, OF_SURVIVOR + 50, 40);

    must(status == IPC_OK || status == IPC_ERR_CLOSED ||
         status == IPC_ERR_NO_SPACE_CONTIGUOUS);
    return status == IPC_ERR_CLOSED;
}

static void check_all(const struct operation *o, bool killed)
{
    IpcChannel *ch;

    if (o->kind == CREATES) {
        /* What was there is gone or not; whoever creates gets a ring. */
        memset(ledger, 0, sizeof *ledger);
        create();
    }
    ch = join();
    ipc_channel_recover(ch, false);
    if (o->kind == CLOSES && is_closed(ch)) {
        drain(ch, true);
        check_ledger(o, killed);
    } else {
        drain(ch, false);
        check_ledger(o, killed);
        new_traffic_flows(ch);
    }
    must(ipc_channel_close(ch).ipc_status == IPC_OK);
    must(write_one(ch, OF_SURVIVOR + 51, 40) == IPC_ERR_CLOSED);
    must(read_one(ch, 2000) == IPC_ERR_CLOSED);
    must(ipc_channel_recover(ch, false).ipc_status == IPC_OK);
    ipc_channel_destroy(ch);
}

/* -------------------------------------------------------------- stepping */

static struct {
    uint64_t states, kills, stops;
    double longest; /* of a survivor, seconds */
} total;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static pid_t start_victim(const struct operation *o)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        IpcChannel *ch = join();

        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        o->act(ch);
        raise(SIGSTOP);
        _exit(0);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        return -1;
    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL);
    return pid;
}

/* Asleep in the kernel, and not just waiting for a CPU. */
static bool sleeps(pid_t pid)
{
    char path[64], line[512] = "";
    const char *end;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    if (!file)
        return false;
    end = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    return end && end[1] == ' ' && end[2] == 'S';
}

static int victim_status; /* when it last stopped or ended */

/* It noticed nothing wrong: it stopped where it should, at its end. */
static bool is_through(void)
{
    return WIFSTOPPED(victim_status) && WSTOPSIG(victim_status) == SIGSTOP;
}

/* True: it has made a step; false: it is through, or asleep. */
static bool step(pid_t pid, bool *asleep)
{

    *asleep = false;
    if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0)
        return false;
    for (double start = now(); waitpid(pid, &victim_status, WNOHANG) != pid;)
        if (now() - start > ASLEEP_MS * 1e-3 && sleeps(pid)) {
            *asleep = true;
            return false;
        }
    return WIFSTOPPED(victim_status) && WSTOPSIG(victim_status) == SIGTRAP;
}

/* Lets it go on until the region or the ledger has changed so often, or it is
 * through; returns how often it has. */
static uint32_t go_to_state(pid_t pid, uint32_t wanted, bool *asleep)
{
    static unsigned char last[65536];
    static struct ledger noted;
    uint32_t changes = 0;

    memcpy(last, region, region_size);
    memcpy(&noted, ledger, sizeof noted);
    *asleep = false;
    while (changes < wanted && step(pid, asleep)) {
        if (memcmp(last, region, region_size) == 0 &&
            memcmp(&noted, ledger, sizeof noted) == 0)
            continue;
        memcpy(last, region, region_size);
        memcpy(&noted, ledger, sizeof noted);
        changes++;
    }
    return changes;
}

static bool survivor_says(const struct operation *o, bool killed)
{
    double start = now();
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        alarm(GRACE_S);
        check_all(o, killed);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (now() - start > total.longest)
        total.longest = now() - start;
    return status == 0;
}

static void set_scene(const struct operation *o)
{
    memset(region, 0, region_size);
    memset(ledger, 0, sizeof *ledger);
    create();
    set_position(0);
    o->before();
}

/* Every other corpse stays a zombie while the survivor works. */
static bool kill_at(const struct operation *o, uint32_t state)
{
    bool asleep, good, reached;
    siginfo_t end;
    pid_t pid;

    set_scene(o);
    pid = start_victim(o);
    reached = go_to_state(pid, state, &asleep) == state;
    kill(pid, SIGKILL);
    waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT);
    if (state % 2)
        waitpid(pid, NULL, 0);
    /* Before its first store it has taken nothing. */
    good = survivor_says(o, state > 0);
    if (state % 2 == 0)
        waitpid(pid, NULL, 0);
    total.kills++;
    return good && reached;
}

static bool stop_at(const struct operation *o, uint32_t state)
{
    bool asleep, good, reached, through = false;
    pid_t pid;

    set_scene(o);
    pid = start_victim(o);
    reached = go_to_state(pid, state, &asleep) == state;
    if (o->kind == ORDINARY && !asleep)
        in_child(work_beside);
    if (!asleep) {
        pid_t got;

        /* Up to the end; a sleeper is not waited for. */
        ptrace(PTRACE_CONT, pid, NULL, NULL);
        for (double start = now();
             (got = waitpid(pid, &victim_status, WNOHANG)) != pid;)
            if (now() - start > 4 * ASLEEP_MS * 1e-3 && sleeps(pid))
                break;
        through = got == pid && is_through();
        reached &= through || got != pid; /* else it found something wrong */
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    /* Whoever is through has noted all that it took. */
    good = survivor_says(o, !through);
    total.stops++;
    return good && reached;
}

static bool run(const struct operation *o, bool stops)
{
    uint32_t states;
    bool asleep, good = true;
    pid_t pid;

    set_scene(o);
    pid = start_victim(o);
    states = go_to_state(pid, STATES_MAX, &asleep);
    good = states < STATES_MAX && (asleep || is_through());
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (uint32_t i = 0; i <= states; i++) {
        if (!kill_at(o, i)) {
            printf("%s, mode %u, lap %llu: killed at state %u of %u\n", o->name,
                   mode, (unsigned long long)lap, i, states);
            good = false;
        }
        if (stops && !stop_at(o, i)) {
            printf("%s, mode %u, lap %llu: stopped at state %u of %u\n",
                   o->name, mode, (unsigned long long)lap, i, states);
            good = false;
        }
    }
    printf("%-28s mode %u, lap %10llu: %3u states%s%s\n", o->name, mode,
           (unsigned long long)lap, states, asleep ? ", then it sleeps" : "",
           good ? "" : "  FAILED");
    fflush(stdout);
    total.states += states + 1;
    return good;
}

static bool is_wanted(const struct operation *o, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(o->name, argv[i]) == 0)
            return true;
    return argc == 0;
}

static bool ptrace_works(void)
{
    pid_t pid = fork();
    bool works;
    int status;

    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        _exit(0);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        return false;
    works = ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return works;
}

int main(int argc, char **argv)
{
    /* Ordinary, one in which inner words are renewed, the last of a tag. */
    static const uint64_t laps[] = {7, SHMIPC_RENEWAL_LAPS, UINT32_MAX};
    bool all = argc > 1 && strcmp(argv[1], "-a") == 0;
    bool good = true;

    if (!ptrace_works()) {
        puts("skipped: ptrace is not permitted, or has no single steps here");
        return 77;
    }
    region_size =
        (sizeof(struct shm_region) + OWNERS * sizeof(struct shm_owner) + 63) /
            64 * 64 +
        BLOCKS * 8 + BLOCKS * 64;
    region = mmap(NULL, region_size, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ledger = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(region != MAP_FAILED && ledger != MAP_FAILED);
    for (uint32_t l = 0; l < (all ? 3 : 1); l++)
        for (mode = 0; mode < 4; mode += all ? 1 : 3)
            for (size_t i = 0; i < sizeof operations / sizeof operations[0];
                 i++) {
                lap = laps[l];
                if (is_wanted(&operations[i], argc - 1 - all, argv + 1 + all))
                    good &= run(&operations[i], all || mode == 0);
            }
    printf("%llu states, %llu kills, %llu stops; a survivor needed %.0f ms at "
           "most\n",
           (unsigned long long)total.states, (unsigned long long)total.kills,
           (unsigned long long)total.stops, total.longest * 1000);
    return good ? 0 : 1;
}
