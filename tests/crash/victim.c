/* SPDX-License-Identifier: MIT */
/* A victim, step by step. */
#include "crash.h"
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

pid_t start_victim(const struct operation *o)
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

bool sleeps(pid_t pid)
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

int victim_status;

bool is_through(void)
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

uint32_t go_to_state(pid_t pid, uint32_t wanted, bool *asleep)
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
