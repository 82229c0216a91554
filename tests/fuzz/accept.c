/* SPDX-License-Identifier: MIT */
/*
 * What ipc_channel_accept receives: any bytes, with any descriptors, over
 * sockets of both kinds. What it accepts has to be usable.
 */
#include "../self.h"
#include "fuzz.h"
#include <fcntl.h>
#include <shmipc/shmipc.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_MAX = 4, BYTES_MAX = 64, MEMORY = 8192, HEADER = 24 };

/* A region as a peer would have made it, with some bytes changed. */
static int any_memory(struct input *in)
{
    IpcChannelConfiguration configuration = IPC_CHANNEL_CONFIGURATION(1, 1, 1);
    int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    unsigned char *memory;
    IpcChannelResult r;

    if (fd < 0 || ftruncate(fd, MEMORY) != 0)
        return fd;
    memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return fd;
    r = ipc_channel_create(memory, MEMORY, configuration);
    if (IpcChannelResult_is_ok(r))
        ipc_channel_destroy(r.result);
    for (uint32_t changes = next_below(in, 4); changes > 0; changes--)
        memory[next_below(in, 1024)] = next_byte(in);
    munmap(memory, MEMORY);
    return fd;
}

static int any_descriptor(struct input *in)
{
    switch (next_below(in, 6)) {
    case 0:
    case 1:
        return any_memory(in);
    case 2:
        return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    case 3:
        return eventfd(0, EFD_CLOEXEC);
    case 4:
        return open("/dev/null", O_RDWR | O_CLOEXEC);
    default:
        return memfd_create("empty", MFD_CLOEXEC);
    }
}

/* Begins as a message of ipc_channel_share does, most often. */
static size_t any_bytes(struct input *in, unsigned char bytes[BYTES_MAX],
                        int fds)
{
    size_t size = next_below(in, 8) ? HEADER : next_below(in, BYTES_MAX);
    /* As in lib/channel/share.c: a number, the version, how many eventfds come
     * along, and how much to map. */
    const struct {
        uint64_t magic;
        uint32_t version;
        uint32_t events;
        uint64_t size;
    } header = {UINT64_C(0x314843532d495053), 1, (uint32_t)fds - 1, MEMORY};

    memset(bytes, 0, BYTES_MAX);
    memcpy(bytes, &header, sizeof header);
    for (uint32_t changes = next_below(in, 3); changes > 0; changes--)
        bytes[next_below(in, HEADER)] = next_byte(in);
    return size;
}

static void send_it(int socket, const void *bytes, size_t size, const int *fds,
                    int count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control;
    struct iovec piece = {(void *)(uintptr_t)bytes, size};
    struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1};

    if (count > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        memset(&control, 0, sizeof control);
        CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
        CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
        CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), fds, (size_t)count * sizeof(int));
    }
    sendmsg(socket, &m, MSG_DONTWAIT);
}

static void use(IpcSharedChannel *shared)
{
    char bytes[64] = {1};
    IpcEntry entry = {0, bytes, sizeof bytes};

    timed_only(ipc_channel_write(shared->channel, bytes, 10));
    timed_only(ipc_channel_try_read_into(shared->channel, &entry));
    timed(ipc_channel_recover(shared->channel, true));
    timed(ipc_channel_leave_shared(shared));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    int before = open_descriptors();
    int fds[FDS_MAX], pair[2];
    int count = (int)next_below(&in, FDS_MAX + 1);
    IpcChannelConfiguration configuration = IPC_CHANNEL_CONFIGURATION(1, 1, 1);
    unsigned char bytes[BYTES_MAX];
    IpcChannelAcceptResult r;
    size_t length;

    configuration.wait = next_below(&in, 4);
    must(socketpair(AF_UNIX,
                    (next_below(&in, 2) ? SOCK_STREAM : SOCK_SEQPACKET) |
                        SOCK_CLOEXEC,
                    0, pair) == 0);
    for (int i = 0; i < count; i++)
        fds[i] = any_descriptor(&in);
    length = any_bytes(&in, bytes, count);
    send_it(pair[0], bytes, length, fds, count);
    shutdown(pair[0], SHUT_WR);
    timed(r = ipc_channel_accept(pair[1], configuration));
    if (IpcChannelAcceptResult_is_ok(r))
        use(&r.result);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    close(pair[0]);
    close(pair[1]);
    must(open_descriptors() == before);
    return 0;
}
