/* SPDX-License-Identifier: MIT */
/*
 * Kills the far side at every instruction between one message and the next,
 * and shows that its successor knows what came last: each message is in the
 * channel once.
 *
 *     killed-anywhere [STRIDE]     every STRIDE-th instruction; 23 unless told
 */
#include "bridge/outlet.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STREAM = 77, FIRST = 0, SECOND = 64, THIRD = 192, SIZE = 100 };
enum { SKIPPED = 77, STEPS_MOST = 100000 };

/* What others do between the death and the successor. */
enum others { OTHERS_NONE, OTHERS_WRITE, OTHERS_LAP };

static char name[64], path[96];
static unsigned ambiguous, committed, uncommitted;

static IpcOpenOptions options_for(uint32_t flags)
{
    IpcOpenOptions options = {.struct_size = sizeof options, .size = 4096};

    options.configuration.flags = flags;
    return options;
}

static _Noreturn void fail(const char *what, long step)
{
    printf("at step %ld: %s\n", step, what);
    exit(1);
}

static void open_or_fail(struct outlet *out, uint32_t flags, long step)
{
    const IpcOpenOptions options = options_for(flags);
    const char *wrong = outlet_open(out, name, path, &options);

    if (wrong)
        fail(wrong, step);
}

static void put_or_fail(struct outlet *out, struct outlet_stream *s,
                        uint64_t offset, long step)
{
    unsigned char bytes[SIZE];

    memset(bytes, (int)offset, sizeof bytes);
    if (outlet_put(out, s, offset, bytes, sizeof bytes, 0) != OUTLET_DONE)
        fail("a message cannot be written", step);
}

/* The one that is killed: from the stop on it writes the second message. */
static _Noreturn void write_and_die(uint32_t flags)
{
    struct outlet_stream s;
    struct outlet out;

    open_or_fail(&out, flags, -1);
    if (!outlet_find(&out, STREAM, 0, &s))
        fail("there is no place", -1);
    put_or_fail(&out, &s, FIRST, -1);
    outlet_settle(&out, &s);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    put_or_fail(&out, &s, SECOND, -1);
    outlet_settle(&out, &s);
    raise(SIGKILL);
    _exit(1);
}

/* Kills it after so many instructions; false: it came to its end before. */
static bool kill_after(pid_t pid, long steps)
{
    int status;

    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        fail("it did not stop", steps);
    for (long i = 0; i < steps; i++) {
        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0)
            fail(strerror(errno), steps);
        if (waitpid(pid, &status, 0) != pid)
            fail("it is gone", steps);
        if (!WIFSTOPPED(status))
            return false;
        if (WSTOPSIG(status) == SIGKILL)
            break;
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return true;
}

/* ------------------------------------------------------------- the others */

static void write_one(IpcChannel *channel, unsigned char value, long step)
{
    unsigned char bytes[SIZE];

    memset(bytes, value, sizeof bytes);
    if (ipc_channel_write(channel, bytes, sizeof bytes).ipc_status != IPC_OK)
        fail("another one cannot write", step);
}

static unsigned read_one(IpcChannel *channel)
{
    unsigned char bytes[SIZE];
    IpcEntry entry = {0, bytes, sizeof bytes};

    return ipc_channel_try_read_into(channel, &entry).ipc_status == IPC_OK
               ? bytes[0]
               : 256;
}

enum { ANOTHER = 200 };

/* counts[v]: how often a message of that value was read. */
static void read_all(IpcChannel *channel, unsigned *counts)
{
    unsigned value;

    for (int tries = 0; tries < 2; tries++) {
        while ((value = read_one(channel)) < 256)
            counts[value]++;
        /* What the dead one left in the way; reads that wait do so, too. */
        IPC_IGNORE(ipc_channel_recover(channel, false));
    }
}

static void let_others(enum others what, uint32_t flags, unsigned *counts,
                       long step)
{
    const IpcOpenOptions options = options_for(flags);
    IpcChannelOpenResult r = ipc_channel_open(name, &options);

    if (r.ipc_status != IPC_OK)
        fail(r.error.detail, step);
    if (what == OTHERS_WRITE)
        write_one(r.result, ANOTHER, step);
    /* More than the channel holds: more than a lap. */
    for (int i = 0; what == OTHERS_LAP && i < 200; i++) {
        read_all(r.result, counts);
        write_one(r.result, ANOTHER, step);
    }
    ipc_channel_destroy(r.result);
}

/* ------------------------------------------------------------ the successor */

static void succeed(uint32_t flags, unsigned *counts, bool *is_ambiguous,
                    long step)
{
    struct outlet_stream s;
    struct outlet out;

    open_or_fail(&out, flags, step);
    if (out.note.is_new || !outlet_find(&out, STREAM, 0, &s))
        fail("there is no note", step);
    if (s.state.offset != FIRST && s.state.offset != SECOND)
        fail("it is noted that another message was last", step);
    *is_ambiguous = s.is_ambiguous;
    if (s.state.offset == FIRST) {
        uncommitted++;
        put_or_fail(&out, &s, SECOND, step);
    } else {
        committed++;
    }
    put_or_fail(&out, &s, THIRD, step);
    read_all(out.channel, counts);
    outlet_close(&out);
}

/* False: it was not killed, since it had come to its end. */
static bool try_at(uint32_t flags, enum others what, long step)
{
    unsigned counts[256] = {0};
    bool is_ambiguous, was_killed;
    pid_t pid = fork();

    if (pid == 0)
        write_and_die(flags);
    was_killed = kill_after(pid, step);
    if (what != OTHERS_NONE)
        let_others(what, flags, counts, step);
    succeed(flags, counts, &is_ambiguous, step);
    ambiguous += is_ambiguous;
    if (is_ambiguous && what != OTHERS_LAP)
        fail("it cannot be told what was last", step);
    if (is_ambiguous && !was_killed)
        fail("what was settled is not known any more", step);
    if (counts[FIRST] != 1 || counts[THIRD] != 1 ||
        (counts[SECOND] != 1 && !(is_ambiguous && counts[SECOND] == 2)))
        fail("a message is not there once", step);
    ipc_channel_unlink(name);
    return was_killed;
}

static void try_all(const char *title, uint32_t flags, enum others what,
                    long stride)
{
    long step = 0;

    committed = uncommitted = ambiguous = 0;
    while (try_at(flags, what, step) && step < STEPS_MOST)
        step += stride;
    printf("%s: killed at %ld of %ld instructions; the message was there in "
           "%u, not in %u, unknown in %u\n",
           title, step / stride, step, committed, uncommitted, ambiguous);
    /* Else it was not killed in the middle. */
    if (committed == 0 || uncommitted == 0)
        fail("it was always the same", step);
    if (what == OTHERS_LAP && ambiguous == 0)
        fail("what is ambiguous was not met", step);
}

static void clean(void)
{
    char note[128];

    ipc_channel_unlink(name);
    snprintf(note, sizeof note, "%s.bridge", path);
    unlink(note);
}

static bool may_trace(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
    long stride = argc > 1 ? atol(argv[1]) : 23;

    if (!may_trace()) {
        puts("ptrace is not permitted here");
        return SKIPPED;
    }
    alarm(250);
    snprintf(name, sizeof name, "/shmipc-killed-anywhere-%d", getpid());
    snprintf(path, sizeof path, "/dev/shm%s", name);
    atexit(clean);
    try_all("one producer", IPC_BUFFER_ONE_PRODUCER, OTHERS_NONE, stride);
    try_all("many producers", 0, OTHERS_NONE, stride);
    try_all("many, others write", 0, OTHERS_WRITE, stride);
    try_all("many, others write more than a lap", 0, OTHERS_LAP, 3 * stride);
    return 0;
}
