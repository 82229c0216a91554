/* SPDX-License-Identifier: MIT */
/*
 * A victim does one operation, step by step under ptrace. At each state of
 * shared memory that it goes through a fresh victim is killed, and a survivor
 * checks everything; then another one is stopped there, others work, and it
 * goes on.
 *
 *     stepper [-a1l] [OPERATION...]
 *
 *     -a  every state, in all modes and laps. Else: in all modes some states
 *         of each operation, and a lap each; of those that are named every
 *         state, in an ordinary lap
 *     -1  ends at the first failure
 *     -l  lists the states, and kills nobody
 *
 * What was written and read is noted outside the ring, a byte per message:
 *
 *     began       a write of it was begun: it may have happened or not
 *     written     a write of it returned
 *     seen        how often a read returned it
 *
 * When the victim has ended the ring is read by eye (sight.c). What is there
 * has to be read once by the survivor, and nothing else: so all that was
 * written is read, unless a victim took it out and died before it noted that.
 */
#include "crash.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* If some are tried: one in so many, others in each mode. */
enum {
    SAMPLE = 8,
    EVERY = 499,
    EVERY_OF_ALL = 23,
    HASHES_MAX = 16384,
    ORDINARY_LAP = 7,
    MODES = 8
};

struct shm_region *region;
size_t region_size;
struct ledger *ledger;
uint32_t mode;
uint64_t lap;

enum { SPACE = 4096 }; /* for the region in any mode */

static bool all_laps, all_states, ends_early, lists;

static struct {
    uint32_t operations, states, kills, stops;
    double longest; /* of a survivor, seconds */
} total;

/* ---------------------------------------------------------- which are new */

static uint64_t hashes[HASHES_MAX];
static uint32_t hash_count;

static bool is_among(uint64_t hash, const uint64_t *known, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (known[i] == hash)
            return true;
    return false;
}

static uint32_t count_distinct(const struct course *c)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i <= c->changes; i++)
        count += !is_among(c->hashes[i], c->hashes, i);
    return count;
}

static void remember(const struct course *c)
{
    for (uint32_t i = 0; i <= c->changes; i++)
        if (!is_among(c->hashes[i], hashes, hash_count)) {
            must(hash_count < HASHES_MAX);
            hashes[hash_count++] = c->hashes[i];
        }
}

/* ------------------------------------------------------- killed and stopped */

static bool survivor_says(const struct operation *o, const struct sight *at,
                          enum way way)
{
    double start = now();
    pid_t pid = fork_child();
    int status;

    if (pid == 0) {
        alarm(GRACE_S);
        check_all(o, at, way);
        _exit(0);
    }
    status = end_of(pid);
    if (is_broadcast() && !bystander_says())
        status = -1;
    if (now() - start > total.longest)
        total.longest = now() - start;
    return status == 0;
}

/* Whether shared memory is as it was when the operation was first looked at. */
static bool is_at(const struct course *c, uint32_t state)
{
    return hash_of_state() == c->hashes[state];
}

static bool kill_at(const struct operation *o, const struct course *c,
                    uint32_t state, bool zombie, enum way way)
{
    struct sight at;
    siginfo_t end;
    bool good;
    pid_t pid;

    set_scene(o);
    pid = start_victim(o);
    go_on(pid, state, false);
    good = is_at(c, state);
    kill(pid, SIGKILL);
    while (waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT) != 0)
        continue;
    if (!zombie)
        end_of(pid);
    at = look();
    good &= survivor_says(o, &at, way);
    if (zombie)
        end_of(pid);
    total.kills++;
    return good;
}

static bool stop_at(const struct operation *o, const struct course *c,
                    uint32_t state, enum way way)
{
    struct operation harmless = *o;
    struct sight at;
    bool good;
    pid_t pid;

    set_scene(o);
    pid = start_victim(o);
    go_on(pid, state, false);
    good = is_at(c, state);
    good &= work_beside(o);
    good &= go_to_end(pid, o->wake);
    kill(pid, SIGKILL);
    end_of(pid);
    at = look();
    harmless.takes = 0; /* it noted all that it took, and wrote all it began */
    good &= !at.busy && survivor_says(&harmless, &at, way);
    total.stops++;
    return good;
}

static bool report(const struct operation *o, const char *what, uint32_t state)
{
    printf("%s, mode %u, lap %llu: %s at state %u\n", o->name, mode,
           (unsigned long long)lap, what, state);
    return false;
}

/* A corpse is a zombie or not, and others get on in another way each time. */
static bool try_state(const struct operation *o, const struct course *c,
                      uint32_t i)
{
    bool good = true;

    for (uint32_t zombie = 0; zombie < 2; zombie++)
        if (all_states || zombie == i / SAMPLE % 2)
            if (!kill_at(o, c, i, zombie, (i + zombie) % WAYS))
                good = report(o, zombie ? "a zombie" : "killed", i);
    if (!stop_at(o, c, i, i % WAYS))
        good = report(o, "stopped", i);
    return good;
}

static bool may_go_on(bool good)
{
    return !lists && (good || !ends_early);
}

static bool run(const struct operation *o)
{
    struct course c;
    bool good;
    pid_t pid;

    if (lists)
        printf("%s, mode %u, lap %llu\n", o->name, mode,
               (unsigned long long)lap);
    set_scene(o);
    pid = start_victim(o);
    c = go_on(pid, CHANGES_MAX, lists);
    kill(pid, SIGKILL);
    end_of(pid);
    good = (c.through || (c.asleep && o->wake)) && c.changes > 0;
    remember(&c);
    total.operations++;
    total.states += count_distinct(&c);
    for (uint32_t i = 0; i <= c.changes && may_go_on(good); i++)
        if (!is_among(c.hashes[i], c.hashes, i) &&
            (all_states || (i + mode) % SAMPLE == 0))
            good &= try_state(o, &c, i);
    printf("%-28s mode %u, lap %10llu: %3u states%s%s\n", o->name, mode,
           (unsigned long long)lap, count_distinct(&c),
           c.asleep ? ", then it sleeps" : "", good ? "" : "  FAILED");
    fflush(stdout);
    return good;
}

/* ------------------------------------------------------------ that only look
 */

/* Stops one there, after which others work; or kills it. */
static bool try_instruction(const struct operation *o, uint32_t at, bool stops)
{
    static unsigned char was[SPACE];
    bool good, goes_on;
    pid_t pid;

    set_scene(o);
    memcpy(was, region, region_size);
    pid = start_victim(o);
    goes_on = step(pid, at);
    good = memcmp(was, region, region_size) == 0;
    if (stops && goes_on)
        good &= work_beside(o) && go_to_end(pid, NULL);
    kill(pid, SIGKILL);
    end_of(pid);
    if (stops)
        total.stops++;
    else
        total.kills++;
    return good;
}

/* Changes nothing, so that there are no states but its instructions. */
static bool run_looker(const struct operation *o)
{
    uint32_t every = all_states ? EVERY_OF_ALL : EVERY, count = 0;
    bool good = true;
    pid_t pid;

    set_scene(o);
    pid = start_victim(o);
    while (step(pid, 1))
        count++;
    good = is_through();
    kill(pid, SIGKILL);
    end_of(pid);
    total.operations++;
    for (uint32_t i = mode % every; i < count && may_go_on(good); i += every) {
        bool stops = all_states || i / every % SAMPLE;

        if (!try_instruction(o, i, stops))
            good = report(o, stops ? "stopped" : "killed", i);
    }
    printf("%-28s mode %u, lap %10llu: %u instructions%s\n", o->name, mode,
           (unsigned long long)lap, count, good ? "" : "  FAILED");
    fflush(stdout);
    return good;
}

/* ------------------------------------------------------------- which to run */

static bool is_wanted(const struct operation *o, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(o->name, argv[i]) == 0)
            return true;
    return argc == 0;
}

static bool run_all(int argc, char **argv)
{
    bool good = true;

    const struct operation *all = is_broadcast() ? operations_of_subscribers
                                  : is_work()    ? operations_of_work
                                                 : operations;
    size_t count = is_broadcast() ? operation_of_subscribers_count
                   : is_work()    ? operation_of_work_count
                                  : operation_count;

    for (size_t i = 0; i < count && (good || !ends_early); i++)
        if (all[i].modes & 1 << mode % 4 && is_wanted(&all[i], argc, argv))
            good &= run(&all[i]);
    for (size_t i = 0; i < operation_of_taps_count && (good || !ends_early);
         i++)
        if (mode < 4 && is_wanted(&operations_of_taps[i], argc, argv))
            good &= run_looker(&operations_of_taps[i]);
    return good;
}

static bool take_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "a1l")) != -1) {
        all_laps |= option == 'a';
        ends_early |= option == '1';
        lists |= option == 'l';
        if (option == '?')
            return false;
    }
    return true;
}

/* An ordinary lap, one in which inner words are renewed, the last of a tag. */
static const uint64_t laps[] = {ORDINARY_LAP, SHMIPC_RENEWAL_LAPS, UINT32_MAX};

static bool run_modes(const uint64_t lap_of[MODES], int argc, char **argv)
{
    static const uint32_t modes[MODES] = {
        0,
        1,
        2,
        3,
        IPC_BUFFER_BROADCAST,
        IPC_BUFFER_BROADCAST | IPC_BUFFER_ONE_PRODUCER,
        IPC_BUFFER_ACKNOWLEDGE,
        IPC_BUFFER_ACKNOWLEDGE | IPC_BUFFER_ONE_PRODUCER};
    bool good = true;

    for (int i = 0; i < MODES && (good || !ends_early); i++) {
        /* Which differs from others in what these do as well. */
        if (i == MODES - 1 && !all_states)
            break;
        mode = modes[i];
        lap = lap_of[i];
        region_size = size_of_region();
        good &= run_all(argc, argv);
    }
    return good;
}

static bool run_laps(int argc, char **argv)
{
    static const uint64_t a_lap_each[MODES] = {
        SHMIPC_RENEWAL_LAPS, ORDINARY_LAP,        UINT32_MAX,
        SHMIPC_RENEWAL_LAPS, SHMIPC_RENEWAL_LAPS, UINT32_MAX,
        SHMIPC_RENEWAL_LAPS, ORDINARY_LAP};
    bool good = true;

    if (!all_states)
        return run_modes(a_lap_each, argc, argv);
    for (int i = 0; i < (all_laps ? 3 : 1) && (good || !ends_early); i++) {
        uint64_t same[MODES];

        for (int m = 0; m < MODES; m++)
            same[m] = laps[i];
        good &= run_modes(same, argc, argv);
    }
    return good;
}

int main(int argc, char **argv)
{
    double start = now();
    bool good;

    region = share(SPACE);
    region_size = size_of_region();
    ledger = share(sizeof *ledger);
    if (!victim_begin()) {
        puts(
            "skipped: ptrace is not permitted, or has no single steps here, or "
            "atomics never end in them");
        return 77;
    }
    if (!take_options(argc, argv)) {
        fputs("usage: stepper [-a1l] [OPERATION...]\n", stderr);
        return 2;
    }
    argc -= optind;
    argv += optind;
    all_states = all_laps || argc > 0;
    good = run_laps(argc, argv);
    printf("%u operations, %u states (%u of all together), %u kills, %u "
           "stops; a survivor needed %.0f ms at most; %.0f s\n",
           total.operations, total.states, hash_count, total.kills, total.stops,
           total.longest * 1000, now() - start);
    return good && total.operations > 0 ? 0 : 1;
}
