/* SPDX-License-Identifier: MIT */
/*
 * A C program of somebody else's project: every layer once, between two
 * processes. Its argument is the version that pkg-config tells.
 */
#define _POSIX_C_SOURCE 200809L
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

static int versions_agree(const char *expected)
{
    return strcmp(expected, IPC_VERSION_STRING) == 0 &&
           strcmp(expected, ipc_version()) == 0;
}

static int send_greeting(void *memory, uint64_t size,
                         IpcChannelConfiguration configuration)
{
    IpcChannelConnectResult connected =
        ipc_channel_connect_sized(memory, (size_t)size, configuration);

    if (IpcChannelConnectResult_is_error(connected))
        return failed("connect", connected.error.detail);

    IpcChannelWriteResult written =
        ipc_channel_write(connected.result, "hello", sizeof("hello"));

    if (IpcChannelWriteResult_is_error(written))
        return failed("write", written.error.detail);
    if (IpcChannelDestroyResult_is_error(ipc_channel_destroy(connected.result)))
        return failed("destroy", "handle of the writer");
    return 0;
}

static int use_channel(IpcMemorySegment *segment)
{
    const IpcChannelConfiguration configuration = {
        .max_round_trips = 1, .start_sleep_ns = 1000, .max_sleep_ns = 1000};
    const struct timespec patience = {.tv_sec = 20, .tv_nsec = 0};
    char text[16] = "";
    IpcEntry entry = {.payload = text, .size = sizeof(text)};
    int status = 1;

    IpcChannelResult created = ipc_channel_create(
        segment->memory, (size_t)segment->size, configuration);

    if (IpcChannelResult_is_error(created))
        return failed("create", created.error.detail);

    pid_t child = fork();

    if (child == 0)
        _exit(send_greeting(segment->memory, segment->size, configuration));

    IpcChannelReadWithTimeoutResult read =
        ipc_channel_read_into_with_timeout(created.result, &entry, &patience);

    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return failed("child", "could not send");
    if (IpcChannelReadWithTimeoutResult_is_error(read))
        return failed("read", read.error.detail);
    if (entry.size != sizeof("hello") || strcmp(text, "hello") != 0)
        return failed("read", "something else than what was written");

    IpcChannelTryReadResult again =
        ipc_channel_try_read_into(created.result, &entry);

    if (again.ipc_status != IPC_EMPTY)
        return failed("try_read", ipc_status_text(again.ipc_status));
    if (IpcChannelDestroyResult_is_error(ipc_channel_destroy(created.result)))
        return failed("destroy", "handle of the reader");
    return 0;
}

static int use_buffer(void)
{
    uint8_t mem[2048];
    IpcEntry entry;
    IpcBufferCreateResult created = ipc_buffer_create(mem, sizeof(mem));

    if (IpcBufferCreateResult_is_error(created))
        return failed("ipc_buffer_create", created.error.detail);
    if (IpcBufferWriteResult_is_error(
            ipc_buffer_write(created.result, "x", 1)) ||
        ipc_buffer_peek(created.result, &entry).ipc_status != IPC_OK ||
        ipc_buffer_skip(created.result, entry.offset).ipc_status != IPC_OK)
        return failed("buffer", "write, peek or skip");

    IpcBufferWriteResult refused =
        ipc_buffer_write(created.result, mem, sizeof(mem));

    if (refused.ipc_status != IPC_ERR_ENTRY_TOO_LARGE ||
        !IpcBufferWriteResult_is_error_has_body(refused.error))
        return failed("buffer", ipc_status_name(refused.ipc_status));
    if (IpcBufferDestroyResult_is_error(ipc_buffer_destroy(created.result)))
        return failed("ipc_buffer_destroy", "refused");
    return 0;
}

int main(int argc, char **argv)
{
    char name[64];

    if (argc != 2 || !versions_agree(argv[1]))
        return failed("versions of header, library and pkg-config",
                      ipc_version());

    snprintf(name, sizeof(name), "/shmipc-install-%ld", (long)getpid());

    IpcMemorySegmentResult mapped =
        ipc_mmap(name, ipc_channel_align_size(4096));

    if (IpcMemorySegmentResult_is_error(mapped))
        return failed("ipc_mmap", mapped.error.detail);

    int result = use_channel(mapped.result) || use_buffer();

    if (IpcMmapUnlinkResult_is_error(ipc_unlink(mapped.result)))
        return failed("ipc_unlink", name);
    return result;
}
