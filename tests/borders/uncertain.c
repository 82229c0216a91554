/* SPDX-License-Identifier: MIT */
/*
 * Who lives, where less than usual can be told: descriptors that the program
 * has closed behind the library's back, and clocks of a time namespace. A plain
 * program: exit status 77 means that namespaces are not permitted here.
 */
#include "border_test.h"

#include <fcntl.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* An owner of the list, which has so many. */
static IpcOwner owner_at(IpcBuffer *b, unsigned i, size_t count)
{
    IpcOwner owners[OWNERS] = {{0}};
    IpcBufferOwnersResult r;

    owners[0].struct_size = sizeof owners[0];
    r = ipc_buffer_owners(b, owners, OWNERS);
    must(r.ipc_status == IPC_OK && r.result == count);
    return owners[i];
}

static uint32_t fate_at(IpcBuffer *b, unsigned i, size_t count)
{
    return owner_at(b, i, count).fate;
}

/* ------------------------------------------------------- lost descriptors */

/* As daemons do; but for those that the test needs. */
static void close_all_but(int one, int other)
{
    for (int fd = 3; fd < 256; fd++)
        if (fd != one && fd != other)
            close(fd);
}

/* What the library's descriptor was is another file now. */
static void open_others(void)
{
    for (int i = 0; i < 64; i++)
        must(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
}

static bool are_open(int first, int count)
{
    for (int fd = first; fd < first + count; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            return false;
    return true;
}

/* A child that reserves, loses its descriptors, and goes on when it is told. */
static pid_t one_who_loses_all(bool opens, int *to, int *from)
{
    int there[2], back[2];
    char byte;
    pid_t pid;

    must(pipe(there) == 0 && pipe(back) == 0);
    fflush(stdout);
    pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        IpcBuffer *b = attach(map()->memory);
        IpcReservation r;

        must(ipc_buffer_reserve(b, 1, &r).ipc_status == IPC_OK);
        close_all_but(there[0], back[1]);
        if (opens)
            open_others();
        must(write(back[1], "r", 1) == 1);
        must(read(there[0], &byte, 1) == 1);
        must(ipc_buffer_commit(b, &r, 1).ipc_status == IPC_OK);
        must(write_to(b) == IPC_OK);
        must(ipc_buffer_recover_force(b).ipc_status == IPC_OK);
        must(ipc_buffer_destroy(b).ipc_status == IPC_OK);
        must(!opens || are_open(3, 50));
        _exit(0);
    }
    must(read(back[0], &byte, 1) == 1);
    *to = there[1];
    *from = back[0];
    return pid;
}

static void outlives_its_descriptors(bool opens)
{
    IpcBuffer *b = create(map()->memory, 0);
    int to, from, status;
    pid_t pid = one_who_loses_all(opens, &to, &from);
    char byte;
    IpcEntry entry = {0, &byte, 1};

    must(owner_at(b, 0, 1).flags & IPC_OWNER_LOCKED);
    must(fate_at(b, 0, 1) == IPC_OWNER_LIVES);
    must(ipc_buffer_recover(b).ipc_status == IPC_ERR_NOT_READY);
    must(ipc_buffer_recover_force(b).ipc_status == IPC_ERR_NOT_READY);
    must(write(to, "g", 1) == 1);
    must(waitpid(pid, &status, 0) == pid && status == 0);
    must(ipc_buffer_read(b, &entry).ipc_status == IPC_OK);
    must(ipc_buffer_read(b, &entry).ipc_status == IPC_OK);
    must(ipc_buffer_read(b, &entry).ipc_status == IPC_EMPTY);
}

static void who_has_closed_all_descriptors_lives(void)
{
    outlives_its_descriptors(false);
}

static void who_has_other_files_in_their_place_lives(void)
{
    outlives_its_descriptors(true);
}

/* Who can ask no locks any more takes nobody for dead. */
static void who_has_lost_its_descriptors_calls_nobody_dead(void)
{
    IpcBuffer *b = create(map()->memory, 0);
    pid_t pid = stranger(NULL, reserve_in);

    must(fate_at(b, 0, 1) == IPC_OWNER_LIVES);
    close_all_but(-1, -1);
    must(fate_at(b, 0, 1) == IPC_OWNER_UNKNOWN);
    must(ipc_buffer_recover(b).ipc_status == IPC_ERR_NOT_READY);
    open_others();
    must(fate_at(b, 0, 1) == IPC_OWNER_UNKNOWN);
    must(ipc_buffer_recover(b).ipc_status == IPC_ERR_NOT_READY);
    /* One that is made now has a descriptor again. */
    must(fate_at(attach(map()->memory), 0, 1) == IPC_OWNER_LIVES);
    kill_it(pid);
    must(removes_something(attach(map()->memory)));
}

/* -------------------------------------------------------- time namespaces */

/* Of children that are made from now on: their clocks are ahead. */
static void unshare_time(void)
{
    static const char offsets[] = "monotonic 5000 0\nboottime 5000 0\n";
    int fd;

    if (unshare(CLONE_NEWTIME) != 0) {
        printf("SKIP: no time namespaces here: %s\n", strerror(errno));
        fflush(stdout);
        _exit(SKIPPED);
    }
    fd = open("/proc/self/timens_offsets", O_WRONLY);
    must(fd >= 0);
    must(write(fd, offsets, sizeof offsets - 1) == sizeof offsets - 1);
    close(fd);
}

static pid_t one_of_another_clock(void *memory, void (*does)(IpcBuffer *))
{
    int ready[2];
    char byte;
    pid_t pid;

    unshare_time();
    must(pipe(ready) == 0);
    fflush(stdout);
    pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        does(attach(memory ? memory : map()->memory));
        must(write(ready[1], "r", 1) == 1);
        for (;;)
            pause();
    }
    must(read(ready[0], &byte, 1) == 1);
    return pid;
}

static void *anonymous(void)
{
    void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    must(memory != MAP_FAILED);
    return memory;
}

/* Its start time reads otherwise here, which must not mean another process. */
static void who_started_by_another_clock_is_not_dead(void)
{
    void *memory = anonymous();
    IpcBuffer *b = create(memory, IPC_BUFFER_ONE_PRODUCER);
    pid_t pid = one_of_another_clock(memory, writes);

    must(fate_at(b, 0, 1) != IPC_OWNER_IS_DEAD);
    must(write_to(b) == IPC_ERR_ROLE_TAKEN);
    kill_it(pid); /* then the pid is gone, by any clock */
    must(fate_at(b, 0, 2) == IPC_OWNER_IS_DEAD); /* we are the other one */
    must(write_to(b) == IPC_OK);
}

static void a_zombie_is_one_by_any_clock(void)
{
    void *memory = anonymous();
    IpcBuffer *b = create(memory, IPC_BUFFER_ONE_PRODUCER);
    pid_t pid = one_of_another_clock(memory, writes);

    leave_a_zombie(pid);
    must(fate_at(b, 0, 1) == IPC_OWNER_IS_DEAD);
    must(write_to(b) == IPC_OK);
}

static void the_lock_tells_by_any_clock(void)
{
    IpcBuffer *b = create(map()->memory, 0);
    pid_t pid = one_of_another_clock(NULL, reserve_in);

    must(fate_at(b, 0, 1) == IPC_OWNER_LIVES);
    must(ipc_buffer_recover_force(b).ipc_status == IPC_ERR_NOT_READY);
    kill_it(pid);
    must(removes_something(b));
}

/* A judge that has the other clock sees the same of us. */
static void we_are_not_dead_by_another_clock(void)
{
    IpcBuffer *b = create(anonymous(), 0);
    int status;
    pid_t pid;

    must(write_to(b) == IPC_OK);
    unshare_time();
    pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        must(fate_at(b, 0, 1) != IPC_OWNER_IS_DEAD);
        must(write_to(b) == IPC_OK);
        must(fate_at(b, 1, 2) == IPC_OWNER_LIVES);
        _exit(0);
    }
    must(waitpid(pid, &status, 0) == pid && status == 0);
}

/* -------------------------------------------------------------------- main */

static const struct border_case cases[] = {
    CASE(who_has_closed_all_descriptors_lives),
    CASE(who_has_other_files_in_their_place_lives),
    CASE(who_has_lost_its_descriptors_calls_nobody_dead),
    CASE(who_started_by_another_clock_is_not_dead),
    CASE(a_zombie_is_one_by_any_clock),
    CASE(the_lock_tells_by_any_clock),
    CASE(we_are_not_dead_by_another_clock),
};

int main(void)
{
    return run_cases(cases, sizeof cases / sizeof cases[0]);
}
