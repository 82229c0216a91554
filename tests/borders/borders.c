/* SPDX-License-Identifier: MIT */
/*
 * Who is dead, seen over the border of a pid namespace or of exec(), with and
 * without the descriptor that proofs need. A plain program: exit status 77
 * means that namespaces are not permitted here.
 */
#include "border_test.h"

static const char *program;

/* ------------------------------------------------------------------- cases */

static void a_role_passes_on_from_the_dead_of_another_namespace(void)
{
    IpcBuffer *b = create(map()->memory, IPC_BUFFER_ONE_PRODUCER);
    pid_t pid = stranger(NULL, writes);

    must(write_to(b) == IPC_ERR_ROLE_TAKEN);
    must(kill(pid, SIGSTOP) == 0);
    must(write_to(b) == IPC_ERR_ROLE_TAKEN);
    must(ipc_buffer_recover_force(b).ipc_status == IPC_OK);
    must(write_to(b) == IPC_ERR_ROLE_TAKEN); /* it provably lives */
    leave_a_zombie(pid);
    must(write_to(b) == IPC_OK);
    must(waitpid(pid, NULL, 0) == pid);
}

static void a_claim_of_the_dead_of_another_namespace_is_removed(void)
{
    IpcBuffer *b = create(map()->memory, 0);
    pid_t pid = stranger(NULL, reserve_in);

    must(ipc_buffer_recover(b).ipc_status == IPC_ERR_NOT_READY);
    must(ipc_buffer_recover_force(b).ipc_status == IPC_ERR_NOT_READY);
    kill_it(pid);
    must(removes_something(b));
}

static void restarts_in_ever_new_namespaces_use_no_slots_up(void)
{
    IpcBuffer *b = create(map()->memory, 0);

    for (int i = 0; i < 20 * OWNERS; i++) {
        char byte;
        IpcEntry entry = {0, &byte, 1};

        kill_it(stranger(NULL, writes));
        must(ipc_buffer_read(b, &entry).ipc_status == IPC_OK);
    }
    must(write_to(b) == IPC_OK);
}

/* A child that the namespace's process has left does not hold its lock. */
static void leave_a_child(void)
{
    pid_t pid = fork();

    must(pid >= 0);
    if (pid == 0)
        for (;;)
            pause();
}

/* The same for a program that shares everything until it is another one. */
static void leave_a_program(void)
{
    pid_t pid = vfork();

    if (pid == 0) {
        execlp("sleep", "sleep", "60", (char *)NULL);
        _exit(127);
    }
    must(pid > 0);
}

static void who_is_left_does_not_hold_the_lock(void (*leave)(void))
{
    IpcBuffer *b = create(map()->memory, 0);
    int ready[2];
    char byte;
    pid_t middle, heir;

    must(pipe(ready) == 0);
    middle = fork_into_namespace();
    if (middle == 0) {
        /* The second process, so that the namespace outlives it. */
        pid_t pid = fork();

        if (pid == 0) {
            reserve_in(attach(map()->memory));
            leave();
            must(write(ready[1], "r", 1) == 1);
            _exit(0);
        }
        must(waitpid(pid, NULL, 0) == pid);
        must(write(ready[1], "d", 1) == 1);
        for (;;)
            pause();
    }
    must(read(ready[0], &byte, 1) == 1 && byte == 'r');
    must(read(ready[0], &byte, 1) == 1 && byte == 'd');
    must_remove_something(b); /* once the child has begun to run */
    heir = stranger(NULL, writes);
    kill_it(heir);
    kill_it(middle);
}

static void a_child_does_not_hold_the_lock_of_its_parent(void)
{
    who_is_left_does_not_hold_the_lock(leave_a_child);
}

static void a_program_does_not_hold_the_lock_of_who_started_it(void)
{
    who_is_left_does_not_hold_the_lock(leave_a_program);
}

static void users_and_mounts_may_be_others_too(void)
{
    namespaces = CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWNS;
    a_role_passes_on_from_the_dead_of_another_namespace();
}

/* As for a segment, in memory that the library knows nothing else of. */
static void *map_with_descriptor(void)
{
    void *memory;

    memory_fd = memfd_create("borders", MFD_CLOEXEC);
    must(memory_fd > 0 && ftruncate(memory_fd, SIZE) == 0);
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
    must(memory != MAP_FAILED);
    return memory;
}

static void with_a_descriptor_in_the_options_a_role_passes_on(void)
{
    void *memory = map_with_descriptor();
    IpcBuffer *b = create(memory, IPC_BUFFER_ONE_PRODUCER);
    pid_t pid = stranger(memory, writes);

    must(write_to(b) == IPC_ERR_ROLE_TAKEN);
    must(kill(pid, SIGSTOP) == 0);
    must(ipc_buffer_recover_force(b).ipc_status == IPC_OK);
    must(write_to(b) == IPC_ERR_ROLE_TAKEN); /* it provably lives */
    kill_it(pid);
    must(write_to(b) == IPC_OK);
}

static void with_a_descriptor_in_the_options_claims_are_removed(void)
{
    void *memory = map_with_descriptor();
    IpcBuffer *b = create(memory, 0);
    pid_t pid = stranger(memory, reserve_in);

    must(ipc_buffer_recover_force(b).ipc_status == IPC_ERR_NOT_READY);
    kill_it(pid);
    must(removes_something(b));
}

static void channels_take_a_descriptor_of_the_memory_too(void)
{
    void *memory = map_with_descriptor();
    IpcChannelConfiguration c = IPC_CHANNEL_CONFIGURATION(3, 1000, 100000);
    IpcChannelResult created;
    IpcChannelWriteResult written;
    int ready[2];
    char byte;
    pid_t pid;

    c.flags = IPC_BUFFER_ONE_PRODUCER;
    c.options = IPC_CHANNEL_HAS_MEMORY_FD;
    c.memory_fd = memory_fd;
    created = ipc_channel_create(memory, SIZE, c);
    must(created.ipc_status == IPC_OK);
    must(pipe(ready) == 0);
    pid = fork_into_namespace();
    if (pid == 0) {
        IpcChannelConnectResult r = ipc_channel_connect(memory, c);

        must(r.ipc_status == IPC_OK);
        must(ipc_channel_write(r.result, "x", 1).ipc_status == IPC_OK);
        must(write(ready[1], "r", 1) == 1);
        for (;;)
            pause();
    }
    must(read(ready[0], &byte, 1) == 1);
    written = ipc_channel_write(created.result, "x", 1);
    must(written.ipc_status == IPC_ERR_ROLE_TAKEN);
    kill_it(pid);
    must(ipc_channel_write(created.result, "x", 1).ipc_status == IPC_OK);
}

static void without_a_descriptor_only_force_helps(void)
{
    void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    IpcBuffer *b;
    pid_t pid;

    must(memory != MAP_FAILED);
    b = create(memory, IPC_BUFFER_ONE_PRODUCER);
    pid = stranger(memory, writes);
    kill_it(pid);
    must(write_to(b) == IPC_ERR_ROLE_TAKEN);
    must(ipc_buffer_recover(b).ipc_status == IPC_OK);
    must(write_to(b) == IPC_ERR_ROLE_TAKEN);
    must(ipc_buffer_recover_force(b).ipc_status == IPC_OK);
    must(write_to(b) == IPC_OK);
}

/* The first process of a namespace has the number 1 in each of them. */
static void two_processes_with_one_pid_are_two(void)
{
    IpcBuffer *b = create(map()->memory, 0);
    pid_t one = stranger(NULL, writes);
    pid_t other = stranger(NULL, writes);
    IpcBufferStats stats = {0};
    char byte;
    IpcEntry entry = {0, &byte, 1};

    stats.struct_size = sizeof stats;
    must(ipc_buffer_stats(b, &stats).ipc_status == IPC_OK);
    must(stats.owners == 2);
    /* And have a lock each. */
    kill_it(other);
    other = stranger(NULL, reserve_in);
    must(ipc_buffer_read(b, &entry).ipc_status == IPC_OK);
    must(ipc_buffer_read(b, &entry).ipc_status == IPC_OK);
    must(ipc_buffer_recover(b).ipc_status == IPC_ERR_NOT_READY);
    kill_it(other);
    must(removes_something(b));
    kill_it(one);
}

/* A handle that cannot lock is not in a slot that is locked: what is proven by
 * the lock would end before it does. */
static void a_file_that_only_one_handle_knows_is_no_danger(void)
{
    IpcMemorySegment *segment = map();
    IpcMemorySegment *again = map();
    IpcBuffer *b = create(segment->memory, 0);
    IpcBuffer *other = attach(again->memory);

    must(write_to(b) == IPC_OK);
    must(write_to(other) == IPC_OK);
    must(ipc_buffer_destroy(b).ipc_status == IPC_OK);
    must(ipc_unmap(segment).ipc_status == IPC_OK);
    /* Still locked: */
    if (fork_into_namespace() == 0) {
        IpcBuffer *judge = attach(map()->memory);

        must(ipc_buffer_recover_force(judge).ipc_status == IPC_OK);
        {
            IpcBufferStats stats = {0};

            stats.struct_size = sizeof stats;
            must(ipc_buffer_stats(judge, &stats).ipc_status == IPC_OK);
            must(stats.owners == 1);
        }
        _exit(0);
    }
    {
        int status;

        must(wait(&status) > 0 && status == 0);
    }
}

static void become_another_program(void)
{
    execl(program, program, "after-exec", name, (char *)NULL);
    _exit(1);
}

static void after_exec(void)
{
    IpcBuffer *b = attach(map()->memory);

    must(removes_something(b));
    must(write_to(b) == IPC_OK);
}

static void exec_ends_what_was_reserved(void)
{
    pid_t pid = fork();
    int status;

    must(pid >= 0);
    if (pid == 0) {
        reserve_in(create(map()->memory, 0));
        become_another_program();
    }
    must(waitpid(pid, &status, 0) == pid && status == 0);
}

static void wait_for_ever(void)
{
    execl("/bin/sleep", "sleep", "60", (char *)NULL);
    _exit(1);
}

/* Seen by others, in its own namespace and in ours. */
static void others_see_that_a_process_has_become_another_program(void)
{
    IpcBuffer *b = create(map()->memory, 0);
    pid_t pid;

    what_then = wait_for_ever;
    pid = stranger(NULL, reserve_in);
    what_then = NULL;
    must_remove_something(b);
    must(kill(pid, 0) == 0); /* it is still there */
    kill_it(pid);
}

/* -------------------------------------------------------------------- main */

static const struct border_case cases[] = {
    CASE(a_role_passes_on_from_the_dead_of_another_namespace),
    CASE(a_claim_of_the_dead_of_another_namespace_is_removed),
    CASE(restarts_in_ever_new_namespaces_use_no_slots_up),
    CASE(a_child_does_not_hold_the_lock_of_its_parent),
    CASE(a_program_does_not_hold_the_lock_of_who_started_it),
    CASE(users_and_mounts_may_be_others_too),
    CASE(with_a_descriptor_in_the_options_a_role_passes_on),
    CASE(with_a_descriptor_in_the_options_claims_are_removed),
    CASE(channels_take_a_descriptor_of_the_memory_too),
    CASE(without_a_descriptor_only_force_helps),
    CASE(two_processes_with_one_pid_are_two),
    CASE(a_file_that_only_one_handle_knows_is_no_danger),
    CASE(exec_ends_what_was_reserved),
    CASE(others_see_that_a_process_has_become_another_program),
};

int main(int argc, char **argv)
{
    program = "/proc/self/exe";
    if (argc == 3 && strcmp(argv[1], "after-exec") == 0) {
        snprintf(name, sizeof name, "%s", argv[2]);
        after_exec();
        _exit(0); /* with all that it has, as the others */
    }
    return run_cases(cases, sizeof cases / sizeof cases[0]);
}
