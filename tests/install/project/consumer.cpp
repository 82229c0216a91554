// SPDX-License-Identifier: MIT
//
// A C++ program of somebody else's project: a thread writes, another reads.
// Its argument is the version that pkg-config tells.
#include <shmipc/shmipc.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace
{

struct Closer {
    void operator()(IpcChannel *channel) const
    {
        ipc_channel_destroy(channel);
    }
};

using Channel = std::unique_ptr<IpcChannel, Closer>;

constexpr int count = 1000;

IpcChannelConfiguration configuration()
{
    IpcChannelConfiguration c{};

    c.max_round_trips = IPC_CHANNEL_UNLIMITED_ROUND_TRIPS;
    c.start_sleep_ns = 1000;
    c.max_sleep_ns = 1000000;
    c.flags = IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER;
    c.wait = IPC_WAIT_DEFAULT;
    return c;
}

int failed(const char *what, IpcStatus status)
{
    std::fprintf(stderr, "%s: %s\n", what, ipc_status_name(status));
    return 1;
}

void write_all(void *memory)
{
    const auto connected = ipc_channel_connect(memory, configuration());

    if (IpcChannelConnectResult_is_error(connected))
        return;
    const Channel channel(connected.result);

    for (int i = 0; i < count;) {
        const auto written = ipc_channel_write(channel.get(), &i, sizeof(i));

        if (IpcChannelWriteResult_is_ok(written))
            i++;
        else if (written.ipc_status == IPC_ERR_NO_SPACE_CONTIGUOUS)
            std::this_thread::yield();
        else
            return;
    }
}

int read_all(IpcChannel *channel)
{
    const timespec patience{20, 0};

    for (int expected = 0; expected < count; expected++) {
        int got = -1;
        IpcEntry entry{};

        entry.payload = &got;
        entry.size = sizeof(got);
        const auto read =
            ipc_channel_read_into_with_timeout(channel, &entry, &patience);

        if (read.ipc_status != IPC_OK)
            return failed("read", read.ipc_status);
        if (entry.size != sizeof(got) || got != expected)
            return failed("wrong entry", IPC_ERR_OFFSET_MISMATCH);
    }
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2 || std::string(argv[1]) != IPC_VERSION_STRING ||
        std::string(argv[1]) != ipc_version()) {
        std::fprintf(stderr, "library %s, headers %s\n", ipc_version(),
                     IPC_VERSION_STRING);
        return 1;
    }

    std::vector<unsigned char> memory(ipc_channel_align_size(512));
    const auto created =
        ipc_channel_create(memory.data(), memory.size(), configuration());

    if (IpcChannelResult_is_error(created))
        return failed(created.error.detail, created.ipc_status);
    const Channel channel(created.result);
    std::thread writer(write_all, memory.data());
    const int result = read_all(channel.get());

    writer.join();
    return result;
}
