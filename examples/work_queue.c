/* SPDX-License-Identifier: MIT */
/*
 * A work queue: three workers share the jobs that a channel holds. A job stays
 * in the channel until the worker that has it acknowledges it; so when one of
 * them is killed in the middle of a job, another one gets that job, and is told
 * that somebody may have begun it.
 *
 *     cc work_queue.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 3, JOBS = 3000, DEADLY_JOB = 1000 };

/* What is done is noted here, by the jobs' numbers. */
struct notes {
    int done[JOBS];
    int again;
};

static struct notes *notes;

/* In a process of its own, until the channel is closed and all jobs are done.
 */
static int work(IpcChannel *channel, int worker)
{
    IpcChannelReadAheadResult r;
    IpcEntry entry;

    for (;;) {
        int job;

        r = ipc_channel_read_ahead_blocking(channel, &entry);
        if (IpcChannelReadAheadResult_is_error(r))
            break;
        memcpy(&job, entry.payload, sizeof job);
        if (r.result)
            __atomic_add_fetch(&notes->again, 1, __ATOMIC_RELAXED);
        else if (job == DEADLY_JOB)
            raise(SIGKILL);
        /* Not what somebody else has done before he could say so. */
        if (!__atomic_exchange_n(&notes->done[job], worker, __ATOMIC_RELAXED))
            usleep(10);
        if (ipc_channel_acknowledge(channel, entry.offset).ipc_status != IPC_OK)
            return 1;
    }
    if (r.ipc_status == IPC_ERR_CLOSED)
        return 0;
    fprintf(stderr, "worker %d: %s\n", worker, r.error.detail);
    return 1;
}

static int hand_out(IpcChannel *channel)
{
    for (int job = 0; job < JOBS; job++) {
        IpcChannelWriteResult r =
            ipc_channel_write_blocking(channel, &job, sizeof job);

        if (IpcChannelWriteResult_is_error(r)) {
            fprintf(stderr, "write: %s\n", r.error.detail);
            return 1;
        }
    }
    return IpcChannelCloseResult_is_error(ipc_channel_close(channel));
}

/* Returns how many workers died of the job that kills. */
static int wait_for_workers(int *failed)
{
    int killed = 0, status;

    while (wait(&status) > 0) {
        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        *failed |= WIFEXITED(status) && WEXITSTATUS(status) != 0;
    }
    return killed;
}

int main(void)
{
    IpcChannelConfiguration configuration = IPC_CHANNEL_DEFAULTS;
    size_t size = (size_t)ipc_channel_align_size(64 * 64);
    void *memory = mmap(NULL, sizeof *notes + size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int failed = 0, killed, done = 0;
    IpcChannelResult made;

    if (memory == MAP_FAILED)
        return 1;
    notes = memory;
    configuration.flags = IPC_BUFFER_ACKNOWLEDGE;
    made = ipc_channel_create(notes + 1, size, configuration);
    if (IpcChannelResult_is_error(made)) {
        fprintf(stderr, "create: %s\n", made.error.detail);
        return 1;
    }
    for (int worker = 1; worker <= WORKERS; worker++)
        if (fork() == 0)
            _exit(work(made.result, worker));
    failed = hand_out(made.result);
    killed = wait_for_workers(&failed);
    for (int job = 0; job < JOBS; job++)
        done += notes->done[job] != 0;
    printf("%d jobs done, %d worker killed, %d job given to another\n", done,
           killed, notes->again);
    ipc_channel_destroy(made.result);
    return failed || done != JOBS || killed != 1 || notes->again != 1;
}
