// SPDX-License-Identifier: MIT
//
// Guards of entries that are read ahead of what is acknowledged.
#include "cpp_test.hpp"

#include <chrono>
#include <string>

using cpp_test::Memory;
using shmipc::Buffer;
using shmipc::Channel;
using shmipc::HeldEntry;
using namespace std::chrono_literals;

namespace
{

Channel make(Memory &memory, std::uint32_t flags)
{
    IpcChannelConfiguration configuration = shmipc::default_configuration();

    configuration.flags = flags;
    return Channel::create(memory, configuration);
}

void what_is_held_is_acknowledged_when_its_guard_goes()
{
    for (const auto flags : {IPC_BUFFER_ONE_CONSUMER, IPC_BUFFER_ACKNOWLEDGE}) {
        Memory memory;
        Channel channel = make(memory, flags);

        channel.write("first");
        channel.write("second");
        {
            HeldEntry held = channel.try_read_ahead();
            expect(held && held.text() == "first" && held.size() == 5);
            expect(!held.again() && held.status() == IPC_OK);
            expect(channel.stats().unacknowledged == 64);
            HeldEntry moved(std::move(held));
            expect(!held && held.data() == nullptr); // NOLINT: after the move
            expect(moved.text() == "first");
        }
        expect(channel.stats().used == 64);
        HeldEntry held = channel.read_ahead();
        expect(held.text() == "second" && held.offset() == 64);
        held = HeldEntry(); // acknowledges it
        expect(channel.stats().used == 0);
        held = channel.try_read_ahead();
        expect(!held && held.status() == IPC_EMPTY);
        held = channel.read_ahead_for(0ms);
        expect(!held && held.status() == IPC_ERR_TIMEOUT);
    }
}

void what_an_exception_unwinds_past_is_read_again()
{
    Memory memory;
    Channel channel = make(memory, IPC_BUFFER_ACKNOWLEDGE);

    channel.write("job");
    try {
        HeldEntry held = channel.read_ahead();
        expect(!held.again());
        throw 1;
    } catch (int) {
    }
    HeldEntry held = channel.read_ahead();
    expect(held.text() == "job" && held.again());
    held.give_back();
    expect(!held);
    held = channel.read_ahead();
    expect(held.text() == "job" && held.again());
    held.acknowledge();
    expect(!held && channel.stats().used == 0);
    expect_error(std::error_code(IPC_ERR_INVALID_ARGUMENT, shmipc::category()),
                 held.acknowledge());
}

void one_consumer_acknowledges_up_to_an_entry()
{
    Memory memory;
    Channel channel = make(memory, IPC_BUFFER_ONE_CONSUMER);
    std::error_code error;

    for (const char *text : {"a", "b", "c"})
        channel.write(text);
    HeldEntry a = channel.read_ahead(), b = channel.read_ahead();
    b.acknowledge();
    expect(channel.stats().used == 64);
    a.acknowledge(error); // it went with b
    expect(!error);
    HeldEntry c = channel.read_ahead(error);
    expect(c.text() == "c" && !error);
    expect(channel.try_read_ahead(error).status() == IPC_EMPTY && !error);
    expect_error(std::error_code(IPC_ERR_ILLEGAL_STATE, shmipc::category()),
                 channel.try_read());
    c.give_back(error);
    expect(!error && channel.read().text() == "c");
    channel.close();
    expect(channel.read_ahead().status() == IPC_ERR_CLOSED);
}

void a_buffer_is_read_ahead_too()
{
    Memory memory;
    IpcBufferOptions options{};
    std::error_code error;

    options.struct_size = sizeof options;
    options.flags = IPC_BUFFER_ACKNOWLEDGE;
    Buffer buffer = Buffer::create(memory, &options);
    expect(buffer.try_write("x") && buffer.try_write("y"));
    Buffer::HeldEntry x = buffer.try_read_ahead();
    Buffer::HeldEntry y = buffer.try_read_ahead(error);
    expect(x.text() == "x" && y.text() == "y" && !error);
    y.acknowledge();
    expect(buffer.stats().used == 128);
    x.acknowledge();
    expect(buffer.stats().used == 0);
    x.give_back(error);
    expect(error ==
           std::error_code(IPC_ERR_INVALID_ARGUMENT, shmipc::category()));
    expect(!buffer.try_read_ahead());
    Buffer plain = Buffer::create(memory);
    expect(!plain.try_read_ahead(error) && error);
}

} // namespace

int main()
{
    return cpp_test::run_all(std::array<cpp_test::Case, 4>{{
        {"what is held is acknowledged when its guard goes",
         what_is_held_is_acknowledged_when_its_guard_goes},
        {"what an exception unwinds past is read again",
         what_an_exception_unwinds_past_is_read_again},
        {"one consumer acknowledges up to an entry",
         one_consumer_acknowledges_up_to_an_entry},
        {"a buffer is read ahead, too", a_buffer_is_read_ahead_too},
    }});
}
