/* SPDX-License-Identifier: MIT */
/*
 * Channels of answers that are half made: nobody sleeps for them with the
 * service's lock, which all that serve need. The linker sends opening a name,
 * and sleeping by the clock, here (see meson.build).
 */
#include "service/frame.h"
#include "service/server.h"
#include "services.h"

TestSuite(service_half_made, .init = choose_name, .fini = remove_names,
          .timeout = 60);

static IpcService *watched;
static int looks, naps, naps_with_the_lock;

int __real_shm_open(const char *path, int flags, mode_t mode);
int __wrap_shm_open(const char *path, int flags, mode_t mode);
int __real_clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *time, struct timespec *left);
int __wrap_clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *time, struct timespec *left);

int __wrap_shm_open(const char *path, int flags, mode_t mode)
{
    looks++;
    return __real_shm_open(path, flags, mode);
}

int __wrap_clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *time, struct timespec *left)
{
    naps++;
    if (watched && pthread_mutex_trylock(&watched->lock) != 0)
        naps_with_the_lock++;
    else if (watched)
        pthread_mutex_unlock(&watched->lock);
    return __real_clock_nanosleep(clock, flags, time, left);
}

static void say(IpcChannel *to, enum frame_kind kind)
{
    const struct frame_request head = {.client = 1,
                                       .call = 1,
                                       .deadline = INT64_MAX,
                                       .kind = FRAME_FORM | kind};

    must_work(ipc_channel_write_blocking(to, &head, sizeof head));
}

/* A client that was killed after it made the file of its answers. */
static void make_half(void)
{
    char full[FRAME_NAME_ROOM];
    int fd;

    frame_answers_name(full, name, 1);
    fd = shm_open(full, O_CREAT | O_EXCL | O_RDWR, 0600);
    must(fd >= 0 && close(fd) == 0);
}

static void begin(IpcChannel **raw)
{
    watched = serve();
    *raw = result_of(ipc_channel_open(name, NULL));
    make_half();
    looks = naps = naps_with_the_lock = 0;
}

static void end(IpcChannel *raw)
{
    IpcService *service = watched;

    ipc_channel_destroy(raw);
    watched = NULL;
    ipc_service_destroy(service);
}

Test(service_half_made, sweep_does_not_wait)
{
    const struct timespec slice = {0, 100 * MILLISECOND};
    int64_t until;
    IpcChannel *raw;

    begin(&raw);
    say(raw, FRAME_HELLO);
    until = now_ns() + 20 * SECOND;
    while (looks < 3 && now_ns() < until)
        must_be(ipc_service_receive(watched, &slice).ipc_status,
                IPC_ERR_TIMEOUT);
    must(looks >= 3);
    must_say(naps == 0, "%d naps in a sweep", naps);
    end(raw);
}

Test(service_half_made, goodbye_is_not_waited_for)
{
    IpcChannel *raw;

    begin(&raw);
    say(raw, FRAME_HELLO);
    say(raw, FRAME_BYE);
    must_be(ipc_service_receive(watched, &at_once).ipc_status, IPC_ERR_TIMEOUT);
    must(looks > 0 && naps == 0);
    end(raw);
}

Test(service_half_made, answer_waits_without_the_lock)
{
    IpcRequest *request;
    IpcChannel *raw;

    begin(&raw);
    say(raw, FRAME_CALL);
    request = receive(watched);
    must(ipc_service_is_wanted(watched, request));
    must(naps == 0);
    must_be(ipc_service_answer(watched, request, "x", 1).ipc_status,
            IPC_ERR_INITIALIZING);
    must(naps > 0);
    must_say(naps_with_the_lock == 0, "%d of %d naps were with the lock",
             naps_with_the_lock, naps);
    end(raw);
}
