/* SPDX-License-Identifier: MIT */
/*
 * Servers and clients that are killed between any two of their system calls.
 * The linker sends these here (see meson.build).
 */
#include "services.h"
#include <sys/file.h>
#include <sys/stat.h>

TestSuite(service_steps, .init = choose_name, .fini = remove_names,
          .timeout = 200);

static int steps_left; /* 0: nothing happens */

static void step(void)
{
    int saved = errno;

    if (steps_left > 0 && --steps_left == 0)
        raise(SIGKILL);
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
STEPPED(int, flock, (fd, how), int fd, int how)
STEPPED(int, ftruncate, (fd, size), int fd, off_t size)
STEPPED(int, ftruncate64, (fd, size), int fd, off_t size)
STEPPED(int, munmap, (at, size), void *at, size_t size)
STEPPED(int, posix_fallocate, (fd, at, size), int fd, off_t at, off_t size)
STEPPED(int, posix_fallocate64, (fd, at, size), int fd, off_t at, off_t size)
STEPPED(int, shm_open, (path, flags, mode), const char *path, int flags,
        mode_t mode)
STEPPED(int, shm_unlink, (path), const char *path)

/* True: it was killed. */
static bool was_killed(pid_t pid)
{
    int status;

    must(waitpid(pid, &status, 0) == pid);
    must(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static bool client_is_killed_at(int at)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        IpcClient *client;

        steps_left = at;
        client = connect_client();
        must_be(call_for(client, ECHO, 1, 20 * SECOND), IPC_OK);
        must_work(ipc_client_destroy(client));
        child_done();
    }
    return was_killed(pid);
}

Test(service_steps, client_that_is_killed_at_any_leaves_nothing)
{
    pid_t server = fork_server();
    IpcClient *client = connect_client();
    int at = 1;

    while (client_is_killed_at(at)) {
        must_be(call_for(client, ECHO, 2, 20 * SECOND), IPC_OK);
        at++;
    }
    must_say(at > 20, "only %d steps", at);
    /* What was half made is removed after a while. */
    must_leave(2);
    stop_server(client, server);
    must_work(ipc_client_destroy(client));
    must(names_left() == 0);
}

/* Opens the service, answers one call and leaves. */
static pid_t server_to_be_killed_at(int at)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        IpcService *service;

        steps_left = at;
        service = serve();
        obey(service, receive(service));
        must_work(ipc_service_destroy(service));
        child_done();
    }
    return pid;
}

/* One call, whatever becomes of it. */
static void try_to_call(void)
{
    const IpcClientOptions options = {.struct_size = sizeof options,
                                      .timeout_ns = 50 * MILLISECOND};
    IpcClientOpenResult r = ipc_client_open(name, &options);

    if (r.ipc_status < 0)
        return;
    call_for(r.result, ECHO, 1, SECOND);
    must_work(ipc_client_destroy(r.result));
}

Test(service_steps, server_that_is_killed_at_any_makes_way_for_the_next)
{
    int at = 1;
    bool killed = true;

    for (; killed; at++) {
        pid_t first = server_to_be_killed_at(at), next;
        IpcClient *client;
        int status;

        do
            try_to_call();
        while (waitpid(first, &status, WNOHANG) == 0);
        killed = WIFSIGNALED(status);
        must(killed || WEXITSTATUS(status) == 0);
        next = fork_server();
        client = connect_client();
        must_be(call_for(client, ECHO, 3, 20 * SECOND), IPC_OK);
        stop_server(client, next);
        must_work(ipc_client_destroy(client));
        must_say(names_left() == 0, "%d names are left at step %d",
                 names_left(), at);
    }
    must_say(at > 20, "only %d steps", at);
}
