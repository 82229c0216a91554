/* SPDX-License-Identifier: MIT */
/*
 * Opening a name while another process that does the same is killed or stopped
 * between any two of its system calls. The linker sends these here (see
 * meson.build).
 */
#include "../own_name.h"
#include "helpers.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

static char name[OWN_NAME_ROOM];
static int steps_left; /* 0: nothing happens */
static int signal_then;

static void step(void)
{
    int saved = errno;

    if (steps_left > 0 && --steps_left == 0)
        raise(signal_then);
    errno = saved;
}

/* Before and after the call. */
#define STEPPED(type, call, arguments, ...)                                    \
    type __real_##call(__VA_ARGS__);                                           \
    type __wrap_##call(__VA_ARGS__);                                           \
    type __wrap_##call(__VA_ARGS__)                                            \
    {                                                                          \
        type answer;                                                           \
                                                                               \
        step();                                                                \
        answer = __real_##call arguments;                                      \
        step();                                                                \
        return answer;                                                         \
    }

STEPPED(int, close, (fd), int fd)
STEPPED(int, fchmod, (fd, mode), int fd, mode_t mode)
STEPPED(int, ftruncate, (fd, size), int fd, off_t size)
STEPPED(int, ftruncate64, (fd, size), int fd, off_t size)
STEPPED(int, shm_open, (path, flags, mode), const char *path, int flags,
        mode_t mode)
STEPPED(int, shm_unlink, (path), const char *path)

/* What others do just before the n-th lock is asked for. */
static int locks_until_meddling;
static void (*meddle)(int fd);
static int last_locked; /* descriptor */

int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how);

int __wrap_flock(int fd, int how)
{
    int answer;

    step();
    if (locks_until_meddling > 0 && --locks_until_meddling == 0)
        meddle(fd);
    answer = __real_flock(fd, how);
    last_locked = fd;
    step();
    return answer;
}

/* What others do just before pages are reserved. */
static void (*meddle_with_pages)(void);
static off_t interrupted_above; /* 0: a signal interrupts no size */
static bool disturbed;          /* ... unless signals wait, each size */

int __real_posix_fallocate64(int fd, off_t at, off_t size);
int __wrap_posix_fallocate64(int fd, off_t at, off_t size);
int __wrap_posix_fallocate(int fd, off_t at, off_t size);

int __wrap_posix_fallocate64(int fd, off_t at, off_t size)
{
    sigset_t mask;
    int answer;

    step();
    if (meddle_with_pages)
        meddle_with_pages();
    meddle_with_pages = NULL;
    if (interrupted_above && size > interrupted_above)
        return EINTR;
    if (disturbed && pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 &&
        !sigismember(&mask, SIGALRM))
        return EINTR;
    answer = __real_posix_fallocate64(fd, at, size);
    step();
    return answer;
}

int __wrap_posix_fallocate(int fd, off_t at, off_t size)
{
    return __wrap_posix_fallocate64(fd, at, size);
}

static void choose_name(void)
{
    own_name(name, "opening");
}

static void remove_name(void)
{
    __real_shm_unlink(name);
}

TestSuite(open_races, .init = choose_name, .fini = remove_name);

static IpcOpenOptions options_with(uint32_t flags, int64_t timeout)
{
    return (IpcOpenOptions){.struct_size = sizeof(IpcOpenOptions),
                            .flags = flags,
                            .size = 4096,
                            .timeout_ns = (uint64_t)timeout};
}

/* What a child does: open, write, leave; it gets the signal at that step. */
static pid_t start_child(uint32_t flags, int at, int signal)
{
    pid_t child = fork_child();

    if (child == 0) {
        IpcOpenOptions options = options_with(flags, 20 * SECOND);
        IpcChannel *channel;

        signal_then = signal;
        steps_left = at;
        channel = result_of(ipc_channel_open(name, &options));
        must_work(ipc_channel_write(channel, "x", 2));
        must_work(ipc_channel_destroy(channel));
        child_done();
    }
    return child;
}

/* True: the child has got through before the signal. */
static bool got_through(pid_t child, int options, int *status)
{
    must(waitpid(child, status, options) == child);
    if (!WIFEXITED(*status))
        return false;
    must(WEXITSTATUS(*status) == 0);
    return true;
}

/* Returns how many of the child's entries came first. */
static int must_be_usable(IpcChannel *channel)
{
    IpcEntry entry;
    int others = -1;

    must_work(ipc_channel_write(channel, "parent", 7));
    do {
        must_work(ipc_channel_try_read(channel, &entry));
        free(entry.payload);
        others++;
    } while (entry.size != 7);
    return others;
}

/* ------------------------------------------------------------------ kills */

static void kill_at_every_step(uint32_t childs_flags)
{
    bool done = false;
    int at;

    for (at = 1; !done; at++) {
        IpcOpenOptions options = options_with(0, 20 * SECOND);
        IpcChannel *channel;
        int status;

        must(at < 1000);
        done = got_through(start_child(childs_flags, at, SIGKILL), 0, &status);
        channel = result_of(ipc_channel_open(name, &options));
        must_be_usable(channel);
        must_work(ipc_channel_destroy(channel));
        remove_name();
    }
    must_say(at > 10, "only %d steps", at);
}

Test(open_races, a_creator_that_is_killed_anywhere_leaves_a_name_to_open)
{
    kill_at_every_step(0);
}

Test(open_races, a_remover_that_is_killed_anywhere_leaves_a_name_to_open)
{
    kill_at_every_step(IPC_OPEN_UNLINK_LAST);
}

Test(open_races, what_a_killed_creator_left_exists_from_one_step_on)
{
    bool done = false, existed = false;
    int created = 0;

    for (int at = 1; !done; at++) {
        IpcOpenOptions options = options_with(IPC_OPEN_EXCLUSIVE, 20 * SECOND);
        IpcChannelOpenResult r;
        int status;

        done = got_through(start_child(0, at, SIGKILL), 0, &status);
        r = ipc_channel_open(name, &options);
        if (existed)
            must_fail(r, IPC_ERR_EXISTS);
        existed = r.ipc_status == IPC_ERR_EXISTS;
        if (!existed) {
            must_work(r);
            must(ipc_channel_created(r.result));
            must_work(ipc_channel_destroy(r.result));
            created++;
        }
        remove_name();
    }
    must(existed && created > 5);
}

Test(open_races, who_replaces_and_is_killed_anywhere_leaves_a_name_to_open)
{
    bool done = false;

    for (int at = 1; !done; at++) {
        IpcOpenOptions options = options_with(0, 20 * SECOND);
        IpcChannel *channel = result_of(ipc_channel_open(name, &options));
        int status;

        must_work(ipc_channel_write(channel, "old", 4));
        must_work(ipc_channel_destroy(channel));
        done = got_through(start_child(IPC_OPEN_REPLACE_DEAD, at, SIGKILL), 0,
                           &status);
        channel = result_of(ipc_channel_open(name, &options));
        must_be_usable(channel);
        must_work(ipc_channel_destroy(channel));
        remove_name();
    }
}

/* ------------------------------------------------------------------ stops */

Test(open_races, a_creator_that_is_stopped_anywhere_holds_nobody_for_long)
{
    bool done = false;
    int waited = 0;

    for (int at = 1; !done; at++) {
        IpcOpenOptions options = options_with(0, 30 * MILLISECOND);
        pid_t child = start_child(0, at, SIGSTOP);
        int64_t begun = now_ns();
        IpcChannelOpenResult r;
        int others = 0;
        int status;

        must(at < 1000);
        done = got_through(child, WUNTRACED, &status);
        r = ipc_channel_open(name, &options);
        must(now_ns() - begun < 20 * SECOND);
        if (r.ipc_status == IPC_ERR_INITIALIZING) {
            waited++;
            must(now_ns() - begun >= 30 * MILLISECOND);
        } else {
            must_work(r);
            others = must_be_usable(r.result);
        }
        if (!done) {
            must(kill(child, SIGCONT) == 0);
            must(got_through(child, 0, &status));
        }
        /* Both ended with the same one: what the child wrote is here, once. */
        if (r.ipc_status == IPC_OK) {
            must(others + must_be_usable(r.result) == 1);
            must_work(ipc_channel_destroy(r.result));
        }
        remove_name();
    }
    must(waited > 3);
}

/* ---------------------------------------------------------- between locks */

static bool exists(void)
{
    int fd = __real_shm_open(name, O_RDONLY, 0);

    if (fd >= 0)
        __real_close(fd);
    return fd >= 0;
}

static void remove_it(int fd)
{
    (void)fd;
    must(__real_shm_unlink(name) == 0);
}

/* Going from shared to exclusive lets go of the former first. */
static void create_it_meanwhile(int fd)
{
    pid_t child;

    must(__real_flock(fd, LOCK_UN) == 0);
    child = fork_child();
    if (child == 0) {
        IpcOpenOptions options = options_with(0, SECOND);
        IpcChannel *channel = result_of(ipc_channel_open(name, &options));

        must(ipc_channel_created(channel));
        must_work(ipc_channel_write(channel, "x", 2));
        must_work(ipc_channel_destroy(channel));
        child_done();
    }
    must_succeed(child);
}

static IpcChannel *open_with_others(uint32_t flags, int lock,
                                    void (*what)(int fd))
{
    IpcOpenOptions options = options_with(flags, 20 * SECOND);
    IpcChannel *channel;

    meddle = what;
    locks_until_meddling = lock;
    channel = result_of(ipc_channel_open(name, &options));
    must(locks_until_meddling == 0);
    return channel;
}

Test(open_races, a_name_that_is_removed_before_any_lock_is_made_again)
{
    const uint32_t ways[] = {0, IPC_OPEN_REPLACE_DEAD};

    /* There, or to be made. */
    for (int there = 0; there < 2; there++)
        for (size_t way = 0; way < 2; way++)
            for (int lock = 1; lock <= (there ? 1 : 3); lock++) {
                IpcChannel *channel;

                if (way == 1 && lock == 3)
                    continue; /* it takes one less */
                if (there)
                    must_work(
                        ipc_channel_destroy(open_with_others(0, 0, remove_it)));
                channel = open_with_others(ways[way], lock, remove_it);
                must(ipc_channel_created(channel));
                must_say(exists(), "lock %d, flags %u: no name", lock,
                         ways[way]);
                must(must_be_usable(channel) == 0);
                must_work(ipc_channel_destroy(channel));
                must(__real_shm_unlink(name) == 0);
            }
}

Test(open_races, who_becomes_alone_looks_whether_it_was_made_meanwhile)
{
    IpcChannel *channel = open_with_others(0, 2, create_it_meanwhile);

    must(!ipc_channel_created(channel));
    must(must_be_usable(channel) == 1);
    must_work(ipc_channel_destroy(channel));
}

Test(open_races, who_found_it_alone_and_in_use_sees_that_its_name_goes)
{
    IpcChannel *first = open_with_others(0, 0, remove_it);
    IpcEntry entry;
    IpcChannel *second;

    /* So that its owner lives, and nobody by name has it. */
    must_work(ipc_channel_write(first, "x", 2));
    must(__real_flock(last_locked, LOCK_UN) == 0);
    second = open_with_others(IPC_OPEN_REPLACE_DEAD, 2, remove_it);
    must(ipc_channel_created(second) && exists());
    must_be(ipc_channel_try_read(second, &entry).ipc_status, IPC_EMPTY);
    must_work(ipc_channel_destroy(second));
    must_work(ipc_channel_destroy(first));
}

/* ---------------------------------------------------------------- unlinking */

static int remover; /* descriptor of who has looked whose the name is */

static void remover_goes_on(int fd)
{
    (void)fd;
    must(exists());
    must(__real_flock(remover, LOCK_UN) == 0);
}

static void remover_comes(int fd)
{
    (void)fd;
    must(exists() && __real_flock(remover, LOCK_EX | LOCK_NB) == 0);
    meddle = remover_goes_on;
    locks_until_meddling = 2;
}

Test(open_races, a_name_is_not_unlinked_while_another_may_be_about_to)
{
    must_work(ipc_channel_destroy(open_with_others(0, 0, remove_it)));
    remover = __real_shm_open(name, O_RDWR, 0);
    meddle = remover_comes;
    locks_until_meddling = 1;
    must_work(ipc_channel_unlink(name));
    must(locks_until_meddling == 0 && !exists());
    __real_close(remover);
}

Test(open_races, who_is_stopped_with_the_lock_does_not_keep_its_name)
{
    int64_t begun = now_ns();

    must_work(ipc_channel_destroy(open_with_others(0, 0, remove_it)));
    remover = __real_shm_open(name, O_RDWR, 0);
    must(__real_flock(remover, LOCK_EX | LOCK_NB) == 0);
    must_work(ipc_channel_unlink(name));
    must(!exists() && now_ns() - begun < 20 * SECOND);
    __real_close(remover);
}

/* ------------------------------------------------------------------ others */

/* A kernel takes back all that a call has reserved when a signal comes, so with
 * a timer that ticks only what is small comes to an end. */
Test(open_races, pages_are_reserved_in_pieces_where_signals_interrupt)
{
    const off_t limits[] = {4096, 100000, 1 << 20};
    IpcOpenOptions options = options_with(0, SECOND);
    IpcChannel *channel;
    sigset_t mask;

    alarm(20); /* who tries the same again and again never ends */
    options.size = 5000000;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct stat file;

        interrupted_above = limits[i];
        channel = result_of(ipc_channel_open(name, &options));
        must(fstat(last_locked, &file) == 0);
        must(file.st_blocks * 512 >= file.st_size);
        must_be_usable(channel);
        must_work(ipc_channel_destroy(channel));
        remove_name();
    }
    /* ... and with one that ticks all the time nothing does by itself. */
    interrupted_above = 0;
    disturbed = true;
    options.size = 100000;
    channel = result_of(ipc_channel_open(name, &options));
    must_work(ipc_channel_destroy(channel));
    remove_name();
    must(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
    must(!sigismember(&mask, SIGALRM));
}

static void set_ready(uint32_t ready)
{
    const off_t at = offsetof(struct shm_identity, ready);
    int fd = __real_shm_open(name, O_RDWR, 0);

    must(fd >= 0);
    must(pwrite(fd, &ready, sizeof ready, at) == sizeof ready);
    __real_close(fd);
}

static void end_of_formatting(void)
{
    set_ready(SHMIPC_READY);
}

/* One that uses memory without the lock, as ipc_mmap gives it: seen while it is
 * formatting, and done with that when it is to be formatted by who opens. */
Test(open_races, who_formats_without_the_lock_and_is_quicker_keeps_the_name)
{
    IpcOpenOptions options = options_with(0, 20 * SECOND);
    IpcChannel *channel;
    int said[2], done[2];
    char go = 0;
    pid_t child;

    must(pipe(said) == 0 && pipe(done) == 0);
    child = fork_child();
    if (child == 0) {
        close(done[1]);
        channel = result_of(ipc_channel_open(name, &options));
        must_work(ipc_channel_write(channel, "x", 2));
        must(__real_flock(last_locked, LOCK_UN) == 0);
        set_ready(0);
        must(write(said[1], &go, 1) == 1);
        must(read(done[0], &go, 1) == 0);
        must_work(ipc_channel_destroy(channel));
        child_done();
    }
    close(done[0]);
    must(read(said[0], &go, 1) == 1);
    meddle_with_pages = end_of_formatting;
    channel = result_of(ipc_channel_open(name, &options));
    must(!ipc_channel_created(channel) && exists());
    close(done[1]);
    must_succeed(child);
    must(must_be_usable(channel) == 1);
    must_work(ipc_channel_destroy(channel));
}

Test(open_races, who_holds_the_lock_for_himself_ends_the_wait_at_its_deadline)
{
    IpcOpenOptions options = options_with(0, 50 * MILLISECOND);
    int64_t begun = now_ns();
    IpcChannelOpenResult r;
    int fd = __real_shm_open(name, O_RDWR | O_CREAT, 0600);

    must(fd >= 0 && __real_flock(fd, LOCK_EX) == 0);
    r = ipc_channel_open(name, &options);
    must_fail(r, IPC_ERR_INITIALIZING);
    must(now_ns() - begun >= 50 * MILLISECOND);
    __real_close(fd);
}

Test(open_races, who_has_a_lease_on_the_file_is_waited_for_until_the_deadline)
{
    IpcOpenOptions options = options_with(0, 50 * MILLISECOND);
    IpcChannel *channel = result_of(ipc_channel_open(name, &options));
    IpcChannelOpenResult r;
    int fd;

    must_work(ipc_channel_destroy(channel));
    fd = __real_shm_open(name, O_RDONLY, 0);
    must(fd >= 0 && signal(SIGIO, SIG_IGN) != SIG_ERR);
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
        cr_skip_test("leases are not to be had here: %s", strerror(errno));
    r = ipc_channel_open(name, &options);
    must_fail(r, IPC_ERR_INITIALIZING);
    /* That it was wanted is known. */
    must(fcntl(fd, F_GETLEASE) == F_UNLCK);
    must(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
    channel = result_of(ipc_channel_open(name, &options));
    must(!ipc_channel_created(channel));
    must_work(ipc_channel_destroy(channel));
    __real_close(fd);
}

Test(open_races, who_has_it_open_holds_the_lock_and_gives_it_back)
{
    IpcOpenOptions options = options_with(0, SECOND);
    IpcChannel *channel = result_of(ipc_channel_open(name, &options));
    int fd = __real_shm_open(name, O_RDWR, 0);

    must(fd >= 0);
    must(__real_flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK);
    must(__real_flock(fd, LOCK_SH | LOCK_NB) == 0);
    must_work(ipc_channel_destroy(channel));
    must(__real_flock(fd, LOCK_EX | LOCK_NB) == 0);
    __real_close(fd);
}
