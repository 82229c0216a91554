/* SPDX-License-Identifier: MIT */
/* A victim, step by step. */
#include "crash.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

enum {
    TICK_MS = 20,
    ASLEEP_TICKS = 2,            /* a step that takes so long is a sleep */
    STEPS_OF_AN_ATOMIC = 100000, /* and more, with what raise() needs */
};

double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---------------------------------------------------- waiting for a victim */

/* Ends a waitpid(). */
static void tick(int signal)
{
    (void)signal;
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

/* Until it stops, ends, or sleeps. True: not the latter. */
static bool wait_for(pid_t pid)
{
    for (int ticks = 0; waitpid(pid, &victim_status, 0) != pid;) {
        must(errno == EINTR);
        if (++ticks >= ASLEEP_TICKS && sleeps(pid))
            return false;
    }
    return true;
}

/* It noticed nothing wrong: it stopped where it should, at its end. */
bool is_through(void)
{
    return WIFSTOPPED(victim_status) && WSTOPSIG(victim_status) == SIGSTOP;
}

/* ---------------------------------------------------------------- its steps */

static void act(const struct operation *o)
{
    IpcChannel *ch = make_ready(o);

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(77);
    raise(SIGSTOP);
    o->act(ch);
    raise(SIGSTOP);
}

pid_t start_victim(const struct operation *o)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        act(o);
        _exit(0);
    }
    /* It may sleep before, on a busy machine, until others are ready. */
    while (!wait_for(pid))
        continue;
    must(WIFSTOPPED(victim_status));
    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL);
    prepare_for(o);
    return pid;
}

struct course go_on(pid_t pid, uint32_t changes, bool prints)
{
    struct course c = {.hashes = {hash_of_state()}};

    must(changes <= CHANGES_MAX);
    remember_state();
    while (c.changes < changes) {
        must(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0);
        c.asleep = !wait_for(pid);
        if (c.asleep)
            break;
        c.through = is_through();
        if (!WIFSTOPPED(victim_status) || WSTOPSIG(victim_status) != SIGTRAP)
            break;
        if (!state_has_changed(prints))
            continue;
        remember_state();
        c.hashes[++c.changes] = hash_of_state();
    }
    return c;
}

bool step(pid_t pid, uint32_t instructions)
{
    for (uint32_t i = 0; i < instructions; i++) {
        must(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0);
        must(wait_for(pid) && WIFSTOPPED(victim_status));
        if (WSTOPSIG(victim_status) != SIGTRAP)
            return false;
    }
    return true;
}

bool go_to_end(pid_t pid, void (*wake)(void))
{
    must(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0);
    if (!wait_for(pid)) {
        if (!wake || !succeeds(wake))
            return false;
        for (double start = now(); !wait_for(pid);)
            if (now() - start > (double)GRACE_S)
                return false;
    }
    return is_through();
}

/* An atomic made of a load and a store that fail if anything comes between
 * them never succeeds in single steps. */
static bool atomics_end(pid_t pid)
{
    for (int steps = 0; steps < STEPS_OF_AN_ATOMIC; steps++) {
        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0 || !wait_for(pid))
            return false;
        if (!WIFSTOPPED(victim_status) || WSTOPSIG(victim_status) != SIGTRAP)
            return is_through();
    }
    return false;
}

bool victim_begin(void)
{
    struct sigaction action = {.sa_handler = tick};
    const struct itimerval ticks = {{0, TICK_MS * 1000}, {0, TICK_MS * 1000}};
    pid_t pid;
    bool works;

    /* Without SA_RESTART, and not inherited. */
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &ticks, NULL);
    pid = fork_child();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        ledger->seen[0]++;
        raise(SIGSTOP);
        _exit(0);
    }
    works = wait_for(pid) && WIFSTOPPED(victim_status) && atomics_end(pid);
    kill(pid, SIGKILL);
    end_of(pid);
    return works;
}
