/* SPDX-License-Identifier: MIT */
/*
 * SHMIPC_DEBUG=1: what is said on stderr, and that without it nothing is. The
 * linker sends the library's secure_getenv() here.
 */
#include "channels.h"

static bool is_privileged;

char *__real_secure_getenv(const char *name);
char *__wrap_secure_getenv(const char *name);
char *__wrap_secure_getenv(const char *name)
{
    return is_privileged ? NULL : __real_secure_getenv(name);
}

static char said[4096];

/* Runs `what` in a child with that in its environment (NULL: nothing) and
 * collects what it says on stderr. Returns the child's pid. */
static pid_t run(const char *value, void (*what)(void))
{
    size_t got = 0;
    ssize_t n;
    int ends[2];
    pid_t pid;

    must(pipe(ends) == 0);
    pid = fork_child();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        if (value)
            setenv("SHMIPC_DEBUG", value, 1);
        else
            unsetenv("SHMIPC_DEBUG");
        what();
        child_done();
    }
    close(ends[1]);
    while ((n = read(ends[0], said + got, sizeof said - 1 - got)) > 0)
        got += (size_t)n;
    said[got] = '\0';
    close(ends[0]);
    must_succeed(pid);
    return pid;
}

static int count(const char *words)
{
    int found = 0;

    for (const char *at = said; (at = strstr(at, words)); at++)
        found++;
    return found;
}

static void fail(void)
{
    IpcChannel *ch = new_channel(8, 0, NULL);
    IpcEntry entry;

    must_fail(ipc_channel_write(ch, NULL, 1), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_write(ch, NULL, 1), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_read(ch, &entry), IPC_ERR_RETRY_LIMIT);
    must_be(ipc_channel_try_read(ch, &entry).ipc_status, IPC_EMPTY);
}

static pid_t *dead;

/* Takes away what a dead producer left, its role, and its only slot. */
static void repair(void)
{
    struct shm_region *region = shared_memory(8192);
    IpcBuffer *b = make_ring(region, 8, 1, 0);
    pid_t pid = fork_child();

    if (pid == 0) {
        IpcReservation open;

        must_work(ipc_buffer_reserve(b, 10, &open));
        child_done();
    }
    must_succeed(pid);
    *dead = pid;
    must_work(ipc_buffer_recover(b));
    must_write(b, 10, 1);
}

static void succeed(void)
{
    IpcBuffer *b = new_ring(8, IPC_BUFFER_ONE_PRODUCER, NULL);
    pid_t pid = fork_child();

    if (pid == 0) {
        must_write(b, 10, 1);
        child_done();
    }
    must_succeed(pid);
    *dead = pid;
    must_write(b, 10, 1);
}

/* Somebody claimed a block, and died before he could say so. */
static void revoke_gap(void)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(8, 0, &region);

    atomic_put_relaxed(&region->tail.position,
                       atomic_get_relaxed(&region->tail.position) + 1);
    must_work(ipc_buffer_recover(b));
}

/* Somebody set the first of the two marks of closing. */
static void finish_closing(void)
{
    void *memory;
    IpcChannel *ch = new_channel(8, IPC_BUFFER_ONE_PRODUCER, &memory);
    struct shm_region *region = memory;

    atomic_put_relaxed(&region->tail.closed, 1);
    must_work(ipc_channel_recover(ch, false));
    must_work(ipc_channel_recover(ch, false));
}

static void leave_reservation(void)
{
    IpcBuffer *b = new_ring(8, 0, NULL);
    IpcReservation open;

    must_work(ipc_buffer_reserve(b, 10, &open));
    must_work(ipc_buffer_destroy(b));
}

static void make_anew(void)
{
    char path[] = "/tmp/shmipc-debug-XXXXXX";
    IpcOpenOptions options = {.struct_size = sizeof options,
                              .flags = IPC_OPEN_PATH};
    int fd = mkstemp(path);
    IpcBuffer *b;

    must(fd >= 0 && ftruncate(fd, 8192) == 0);
    b = result_of(ipc_buffer_open(path, &options));
    must_work(ipc_buffer_destroy(b));
    options.flags |= IPC_OPEN_REPLACE_DEAD;
    b = result_of(ipc_buffer_open(path, &options));
    must(unlink(path) == 0);
    must_work(ipc_buffer_destroy(b));
    close(fd);
}

static void want_too_much(void)
{
    IpcChannel *ch = new_channel(8, 0, NULL);
    static const char data[448];

    must_work(ipc_channel_write(ch, data, sizeof data));
    must_fail(ipc_channel_write(ch, data, 100), IPC_ERR_NO_SPACE_CONTIGUOUS);
    must_fail(ipc_channel_fd(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_mmap("/not/a/name", 1), IPC_ERR_INVALID_ARGUMENT);
}

static void fail_and_repair(void)
{
    fail();
    repair();
}

Test(unit, without_being_asked_for_nothing_is_said)
{
    const char *values[] = {NULL, "", "0", "2", "yes"};

    dead = shared_memory(sizeof *dead);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        run(values[i], fail_and_repair);
        must_say(said[0] == '\0', "%s", said);
    }
}

Test(unit, a_program_with_more_rights_than_its_user_says_nothing)
{
    dead = shared_memory(sizeof *dead);
    is_privileged = true;
    run("1", fail_and_repair);
    must_say(said[0] == '\0', "%s", said);
}

Test(unit, a_call_that_fails_says_which_it_was_and_why_once)
{
    char line[256];
    pid_t pid = run("1", fail);

    snprintf(
        line, sizeof line,
        "shmipc[%d]: IpcChannelWriteResult: IPC_ERR_INVALID_ARGUMENT: data is "
        "NULL: pass the bytes to write (requested_size 1, required_size "
        "64, free_space 512, available_contiguous 512, buffer_size "
        "512)\n",
        (int)pid);
    must_say(strstr(said, line) != NULL, "%s", said);
    must(count("IPC_ERR_INVALID_ARGUMENT") == 1);
    must(count("IpcChannelReadResult: IPC_ERR_RETRY_LIMIT: ") == 1);
    must(count("\n") == 2);
}

static void must_say_of(void (*what)(void), const char *words)
{
    dead = shared_memory(sizeof *dead);
    run("1", what);
    must_say(count(words) == 1, "not once \"%s\" in: %s", words, said);
}

static void must_name_the_dead(void (*what)(void), const char *words)
{
    char line[100];

    must_say_of(what, words);
    snprintf(line, sizeof line, "process %d%s", (int)*dead, words);
    must_say(count(line) == 1, "not once \"%s\" in: %s", line, said);
}

Test(unit, a_repair_says_who_is_dead_and_what_was_done)
{
    must_name_the_dead(repair, " died while it wrote at");
    must_name_the_dead(repair, " is dead: this one takes its owner slot");
    must_name_the_dead(succeed, ", the one producer or consumer, is dead");
    must_say_of(revoke_gap, "claimed at offset 0: that is removed");
    must_say_of(finish_closing, "killed while it closed the channel");
    must_say_of(leave_reservation, "with reservations open: they are aborted");
    must_say_of(make_anew, "was left half made: it is made anew");
    must_say_of(make_anew, " are dead: it is removed, to be made anew");
}

/* What the text speaks of though it is 0, and what is not 0. */
Test(unit, a_call_that_fails_says_the_numbers_of_its_body)
{
    run("1", want_too_much);
    must(count("IPC_ERR_NO_SPACE_CONTIGUOUS: ") == 1);
    must_say(count("requested_size 100, required_size 128, free_space 64, "
                   "available_contiguous 64, buffer_size 512)\n") == 1,
             "%s", said);
    must(count("IpcMemorySegmentResult: IPC_ERR_INVALID_ARGUMENT: ") == 1);
    must(count("\n") == 3);
}

Test(unit, errno_is_not_changed_by_what_is_said)
{
    dead = shared_memory(sizeof *dead);
    setenv("SHMIPC_DEBUG", "1", 1);
    close(STDERR_FILENO); /* it cannot be said */
    errno = 42;
    must_fail(ipc_channel_write(NULL, "x", 1), IPC_ERR_INVALID_ARGUMENT);
    must(errno == 42);
}
