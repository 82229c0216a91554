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
#include "crash.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

struct shm_region *region;
size_t region_size;
struct ledger *ledger;
uint32_t mode;
uint64_t lap;

static struct {
    uint64_t states, kills, stops;
    double longest; /* of a survivor, seconds */
} total;

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
            for (size_t i = 0; i < operation_count; i++) {
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
