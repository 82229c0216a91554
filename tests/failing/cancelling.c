/* SPDX-License-Identifier: MIT */
/*
 * No call of the library is a cancellation point (lib/cancel.h): whatever may
 * be one in any C library is only called while cancellation is off. All of
 * these are called here at least once. `-l` lists them, for check_points.py,
 * which has what the library imports.
 */
#include "operations.h"
#include <pthread.h>
#include <time.h>

/* ----------------------------------------------------------- what is watched
 */

/* Names without what some C libraries put before or behind them. */
static const char *const points[] = {
    "clock_nanosleep",
    "close",
    "epoll_wait",
    "fclose",
    "fcntl",
    "fopen",
    "fstat",
    "fstatat",
    "ftruncate",
    "getdelim",
    "getrandom",
    "lseek",
    "open",
    "openat",
    "poll",
    "posix_fallocate",
    "ppoll",
    "pread",
    "pthread_cond_timedwait",
    "pthread_join",
    "read",
    "readlink",
    "recvmsg",
    "sendmsg",
    "shm_open",
    "shm_unlink",
    "stat",
    "unlinkat",
    "write",
};

enum { POINTS = sizeof points / sizeof points[0] };

/* Shared with the children that an operation may have. */
static struct mark {
    bool called;
    bool could_end; /* the thread, there */
} * marks;

/* The library's own threads, which nobody can cancel, are not. */
static _Thread_local bool is_watched;

/* Of the test itself, between calls of the library. */
#define aside(condition)                                                       \
    do {                                                                       \
        counts = false;                                                        \
        must(condition);                                                       \
        counts = true;                                                         \
    } while (0)

static bool is_named(const char *point, const char *call)
{
    size_t length = strlen(point);

    return strncmp(point, call, length) == 0 &&
           (call[length] == '\0' || strcmp(call + length, "64") == 0);
}

static void note(const char *call)
{
    int state;

    if (!is_watched || !counts)
        return;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    for (int i = 0; i < POINTS; i++)
        if (is_named(points[i], call)) {
            marks[i].called = true;
            marks[i].could_end |= state == PTHREAD_CANCEL_ENABLE;
        }
    pthread_setcancelstate(state, NULL);
}

static bool was_called(const char *call)
{
    for (int i = 0; i < POINTS; i++)
        if (is_named(points[i], call))
            return marks[i].called;
    return false;
}

/* Calls that calls.h does not have. */
#define WATCHED(type, name, parameters, arguments)                             \
    type __real_##name parameters;                                             \
    type __wrap_##name parameters;                                             \
    type __wrap_##name parameters                                              \
    {                                                                          \
        note(#name);                                                           \
        return __real_##name arguments;                                        \
    }

WATCHED(int, close, (int fd), (fd))
WATCHED(int, fstatat, (int at, const char *path, struct stat *to, int flags),
        (at, path, to, flags))
WATCHED(int, fstatat64, (int at, const char *path, struct stat *to, int flags),
        (at, path, to, flags))
WATCHED(int, unlinkat, (int at, const char *path, int flags), (at, path, flags))
WATCHED(FILE *, fopen, (const char *path, const char *how), (path, how))
WATCHED(FILE *, fopen64, (const char *path, const char *how), (path, how))
WATCHED(int, fclose, (FILE * file), (file))
WATCHED(int, clock_nanosleep,
        (clockid_t clock, int flags, const struct timespec *time,
         struct timespec *left),
        (clock, flags, time, left))
WATCHED(int, ppoll,
        (struct pollfd * fds, nfds_t count, const struct timespec *timeout,
         const sigset_t *mask),
        (fds, count, timeout, mask))
WATCHED(int, epoll_wait,
        (int fd, struct epoll_event *events, int room, int timeout),
        (fd, events, room, timeout))
WATCHED(int, pthread_join, (pthread_t thread, void **result), (thread, result))
WATCHED(int, pthread_cond_timedwait,
        (pthread_cond_t * condition, pthread_mutex_t *mutex,
         const struct timespec *until),
        (condition, mutex, until))

int __real_openat(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, unsigned mode);
int __wrap_openat64(int at, const char *path, int flags, unsigned mode);

int __wrap_openat(int at, const char *path, int flags, unsigned mode)
{
    note("openat");
    return __real_openat(at, path, flags, mode);
}

int __wrap_openat64(int at, const char *path, int flags, unsigned mode)
{
    return __wrap_openat(at, path, flags, mode);
}

/* What the C library makes of getline(), or leaves as it is. */
ssize_t __real___getdelim(char **line, size_t *room, int end, FILE *file);
ssize_t __wrap___getdelim(char **line, size_t *room, int end, FILE *file);

ssize_t __wrap___getdelim(char **line, size_t *room, int end, FILE *file)
{
    note("getdelim");
    return __real___getdelim(line, room, end, file);
}

ssize_t __real_getline(char **line, size_t *room, FILE *file);
ssize_t __wrap_getline(char **line, size_t *room, FILE *file);

ssize_t __wrap_getline(char **line, size_t *room, FILE *file)
{
    note("getdelim");
    return __real_getline(line, room, file);
}

struct io_uring;
struct io_uring_params;

/* So that sets of channels have threads, which they wait for at the end. */
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params);

int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params)
{
    (void)entries, (void)ring, (void)params;
    return -ENOSYS;
}

/* ---------------------------------------------------------- more operations */

/* A path that is not told from the root. */
static bool do_path(void)
{
    const IpcOpenOptions options = {.struct_size = sizeof options,
                                    .flags =
                                        IPC_OPEN_PATH | IPC_OPEN_UNLINK_LAST,
                                    .size = SIZE};
    IpcBufferOpenResult r;

    aside(chdir("/dev/shm") == 0);
    r = ipc_buffer_open(name + 1, &options);
    must(r.ipc_status == IPC_OK);
    ipc_buffer_destroy(r.result);
    return access(name + 1, F_OK) != 0;
}

/* Of a segment whose creator gives it no size. */
static bool do_wait_for_size(void)
{
    IpcMemorySegmentResult r;
    int fd;

    aside((fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600)) >= 0);
    r = ipc_mmap(name, SIZE);
    must(r.ipc_status == IPC_ERR_INITIALIZING);
    aside(close(fd) == 0 && shm_unlink(name) == 0);
    return true;
}

/* For who is alone with the file. */
static bool do_wait_for_lock(void)
{
    const IpcOpenOptions options = {.struct_size = sizeof options,
                                    .timeout_ns = 5000000};
    int fd;

    aside((fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600)) >= 0 &&
          flock(fd, LOCK_EX) == 0);
    must(ipc_channel_open(name, &options).ipc_status == IPC_ERR_INITIALIZING);
    aside(close(fd) == 0);
    must(ipc_channel_unlink(name).ipc_status == IPC_OK);
    return true;
}

static bool do_create_in_use(void)
{
    int ready[2];
    pid_t pid;
    char byte;

    must(pipe(ready) == 0);
    pid = fork();
    if (pid == 0) {
        IpcBufferAttachResult r = ipc_buffer_attach(shared);

        must(ipc_buffer_write(r.result, "x", 1).ipc_status == IPC_OK);
        aside(write(ready[1], "x", 1) == 1);
        pause();
    }
    aside(pid > 0 && read(ready[0], &byte, 1) == 1);
    must(ipc_buffer_create(shared, SIZE).ipc_status == IPC_ERR_IN_USE);
    aside(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    aside(close(ready[0]) == 0 && close(ready[1]) == 0);
    return true;
}

/* More channels than one call into the kernel has room for. */
static bool do_large_set(void)
{
    enum { CHANNELS = 200 };
    const struct timespec soon = {0, 20000000};
    IpcWaitSet *set = ipc_waitset_create().result;
    IpcChannel *channels[CHANNELS];
    IpcWaitSetReady ready;

    for (int i = 0; i < CHANNELS; i++) {
        void *room = aligned_alloc(64, SIZE);

        channels[i] =
            ipc_channel_create(room, SIZE, configured(IPC_WAIT_FUTEX)).result;
        must(channels[i]);
        must(ipc_waitset_add(set, channels[i], room).ipc_status == IPC_OK);
    }
    must(ipc_waitset_wait(set, &ready, 1, &soon).ipc_status == IPC_ERR_TIMEOUT);
    must(ipc_waitset_fd(set).ipc_status == IPC_OK);
    must(ipc_waitset_wait(set, &ready, 1, &soon).ipc_status == IPC_ERR_TIMEOUT);
    must(ipc_waitset_destroy(set).ipc_status == IPC_OK);
    for (int i = 0; i < CHANNELS; i++)
        ipc_channel_destroy(channels[i]);
    return true;
}

/* A handle that was forked with a descriptor makes one of its own. */
static bool do_inherit_descriptor(uint32_t wait)
{
    IpcChannel *ch = ipc_channel_create(memory, SIZE, configured(wait)).result;
    IpcWaitSet *set = ipc_waitset_create().result;
    int status;
    pid_t pid;

    if (!ch)
        return true; /* this way was not built */
    must(ipc_channel_fd(ch).ipc_status == IPC_OK);
    must(ipc_waitset_fd(set).ipc_status == IPC_OK);
    pid = fork();
    if (pid == 0) {
        IPC_IGNORE(ipc_channel_fd(ch));
        must(ipc_waitset_destroy(set).ipc_status == IPC_OK);
        _exit(0);
    }
    must(waitpid(pid, &status, 0) == pid && status == 0);
    must(ipc_waitset_destroy(set).ipc_status == IPC_OK);
    ipc_channel_destroy(ch);
    return true;
}

static bool do_inherit(void)
{
    return do_inherit_descriptor(IPC_WAIT_FUTEX) &&
           do_inherit_descriptor(IPC_WAIT_EVENTFD);
}

static void *call_in_vain(void *client)
{
    const struct timespec soon = {0, 50000000};
    IpcAnswer answer = {.payload = NULL};

    is_watched = true;
    IPC_IGNORE(ipc_client_call(client, "x", 1, &answer, &soon));
    return NULL;
}

/* Two threads wait for answers by one client, and one of them for the other. */
static bool do_service(void)
{
    IpcServiceOpenResult service = ipc_service_open(name, NULL);
    IpcClientOpenResult client = ipc_client_open(name, NULL);
    pthread_t other;

    must(service.ipc_status == IPC_OK && client.ipc_status == IPC_OK);
    /* They meet, if not at once. */
    for (int i = 0; i < 20 && !was_called("pthread_cond_timedwait"); i++) {
        must(pthread_create(&other, NULL, call_in_vain, client.result) == 0);
        call_in_vain(client.result);
        aside(pthread_join(other, NULL) == 0);
    }
    must(ipc_client_destroy(client.result).ipc_status == IPC_OK);
    must(ipc_service_destroy(service.result).ipc_status == IPC_OK);
    counts = false;
    shm_unlink(name);
    counts = true;
    return true;
}

static const struct {
    const char *name;
    bool (*act)(void);
} more[] = {
    {"path", do_path},
    {"wait for a size", do_wait_for_size},
    {"wait for a lock", do_wait_for_lock},
    {"create in use", do_create_in_use},
    {"large set", do_large_set},
    {"inherit", do_inherit},
    {"service", do_service},
};

/* ------------------------------------------------------------------ running */

static bool runs(const char *what, bool (*act)(void))
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        alarm(60);
        set_scene();
        is_watched = true;
        counts = true;
        must(act());
        counts = false;
        _exit(0);
    }
    must(waitpid(pid, &status, 0) == pid);
    if (status != 0)
        printf("%s: status %d\n", what, status);
    return status == 0;
}

static bool all_are_right(void)
{
    bool right = true;

    for (int i = 0; i < POINTS; i++) {
        if (marks[i].called && !marks[i].could_end)
            continue;
        printf("%s %s\n", points[i],
               marks[i].called ? "is called where the thread can be cancelled"
                               : "was never called: this tests less than it "
                                 "says");
        right = false;
    }
    return right;
}

int main(int argc, char **argv)
{
    bool good = true;

    if (argc > 1 && strcmp(argv[1], "-l") == 0) {
        for (int i = 0; i < POINTS; i++)
            puts(points[i]);
        return EXIT_SUCCESS;
    }
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    marks = mmap(NULL, sizeof *marks * POINTS, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(tally != MAP_FAILED && marks != MAP_FAILED);
    noticed = note;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        good &= runs(operations[i].name, operations[i].act);
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        good &= runs(more[i].name, more[i].act);
    good &= all_are_right();
    if (good)
        printf("%d calls are made with cancellation off\n", (int)POINTS);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
