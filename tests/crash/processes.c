/* SPDX-License-Identifier: MIT */
/* Children, and how they end. */
#include "crash.h"
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

void *share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    must(memory != MAP_FAILED);
    return memory;
}

pid_t fork_child(void)
{
    pid_t pid = fork();

    must(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGALRM, SIG_DFL);
    }
    return pid;
}

int end_of(pid_t pid)
{
    int status;
    pid_t got;

    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    must(got == pid);
    return status;
}

bool succeeds(void (*what)(void))
{
    pid_t pid = fork_child();

    if (pid == 0) {
        alarm(GRACE_S);
        what();
        _exit(0);
    }
    return end_of(pid) == 0;
}

void in_child(void (*what)(void))
{
    must(succeeds(what));
}
