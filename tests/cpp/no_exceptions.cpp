// SPDX-License-Identifier: MIT
//
// The headers in a program that has no exceptions and no run-time types: every
// call that takes an error code.
#include "cpp_test.hpp"

#include <array>
#include <cstring>

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "compile this with -fno-exceptions -fno-rtti"
#endif

using namespace std::chrono_literals;

namespace
{

alignas(64) std::array<unsigned char, 8192> memory;

void a_channel()
{
    std::error_code error;
    auto channel = shmipc::Channel::create(memory, error);
    auto other = shmipc::Channel::connect(memory, error);
    std::array<char, 16> room;

    expect(channel && other && !error);
    expect(!shmipc::Channel::create({memory.data(), 1}, error));
    expect(error == IPC_ERR_INVALID_ARGUMENT);
    channel.write("one", error);
    expect(channel.try_write("two", error));
    expect(channel.write_for("three", 1s, error));
    expect(other.read(error).text() == "one");
    expect(other.read_into(room, error).value_or(0) == 3);
    {
        auto entry = other.peek(error);
        expect(entry.text() == "three" && entry.take(error) && !error);
    }
    expect(!other.try_read(error) && !other.read_for(1ms, error));
    expect(!other.try_read_into(room, error));
    expect(!other.read_into_for(room, 1ms, error));
    expect(!other.try_peek(error) && !other.peek_for(1ms, error));
    auto space = channel.reserve(4, error);
    std::memcpy(space.data(), "four", 4);
    space.commit(error);
    expect(!error && other.read(error).text() == "four");
    space = channel.try_reserve(4, error);
    space.commit(5, error);
    expect(error == IPC_ERR_INVALID_ARGUMENT);
    space = channel.reserve_for(4, 1s, error);
    expect(space && !error);
    space.abort();
    expect(channel.stats(error).used == 0 || !error);
    expect(channel.recover(error) == 0 && !error);
    expect(channel.fd(error) >= 0 || error);
    channel.close(error);
    expect(other.read(error).status() == IPC_ERR_CLOSED && !error);
    channel.write("late", error);
    expect(error == IPC_ERR_CLOSED && error == std::errc::broken_pipe);
}

void a_typed_channel()
{
    std::error_code error;
    shmipc::TypedChannel<int> numbers(shmipc::Channel::create(memory, error));
    int some[4] = {};

    numbers.write(1, error);
    expect(numbers.try_write(2, error) && numbers.write_for(3, 1s, error));
    expect(*numbers.read(error) == 1 && *numbers.peek(error) == 2);
    expect(numbers.try_write_some(some, 4, error) == 4);
    expect(*numbers.try_read_some(some, 1, error) == 1 && some[0] == 3);
    expect(numbers.read_some(some, 4, error) && !error);
    expect(!numbers.read_some_for(some, 4, 1ms, error) && !error);
    expect(!numbers.try_read(error) && !numbers.read_for(1ms, error));
    expect(!numbers.try_peek(error) && !numbers.peek_for(1ms, error));
    auto number = numbers.reserve(error);
    *number = 5;
    number.commit(error);
    expect(*numbers.read(error) == 5);
    expect(numbers.try_reserve(error) && numbers.reserve_for(1s, error));
    numbers.channel().write("four bytes no", error);
    expect(!numbers.read(error) && error == IPC_ERR_SIZE_MISMATCH);
    numbers.close(error);
    expect(!error);
}

void a_buffer_and_a_segment()
{
    std::error_code error;
    auto buffer = shmipc::Buffer::create(memory, error);
    auto other = shmipc::Buffer::attach(memory, error);
    auto monitor = shmipc::Buffer::observe(memory, error);
    std::array<char, 16> room;

    expect(buffer && other && monitor && !error);
    expect(buffer.try_write("one", error));
    expect(monitor.stats(error).entries_written == 1);
    expect(other.try_peek(error).text() == "one");
    expect(!other.try_read_into(room, error) && buffer.recover(error) == 0);
    expect(other.try_reserve(8, error) && !error);
    expect(!shmipc::Channel::open("a/b", error));
    expect(error == IPC_ERR_INVALID_ARGUMENT);
    expect(!shmipc::SharedChannel::accept(-1, error) && error);
    shmipc::Channel().share(-1, error);
    expect(error == IPC_ERR_INVALID_ARGUMENT);
    shmipc::Channel::unlink("a/b", error);
    expect(error == IPC_ERR_INVALID_ARGUMENT);
    expect(!shmipc::Buffer::open("a/b", nullptr, error));
    expect(error == IPC_ERR_INVALID_ARGUMENT);
    expect(!shmipc::Segment::open("a/b", 4096, error));
    expect(error == IPC_ERR_INVALID_ARGUMENT);
    shmipc::Segment().unlink(error);
    expect(error == IPC_ERR_INVALID_ARGUMENT);
}

void a_waitset()
{
    std::error_code error;
    auto channel = shmipc::Channel::create(memory, error);
    auto set = shmipc::WaitSet::create(error);
    IpcWaitSetReady ready[2];

    expect(set && !error);
    set.add(channel, error);
    set.add(channel, &channel, error);
    expect(error == IPC_ERR_ILLEGAL_STATE);
    expect(!set.try_wait(ready, 2, error) && !error);
    channel.write("ready", error);
    expect(set.wait(ready, 2, error).value_or(0) == 1);
    expect(set.wait_for(ready, 2, 1s, error).value_or(0) == 1);
    expect(set.fd(error) >= 0 || error);
    set.remove(channel, error);
    set.remove(channel, error);
    expect(error == IPC_ERR_ILLEGAL_STATE);
}

void a_subscriber()
{
    std::error_code error;
    auto configuration = shmipc::default_configuration();

    configuration.flags = IPC_BUFFER_BROADCAST;
    auto channel = shmipc::Channel::create(memory, configuration, error);
    channel.subscribe(shmipc::subscription(), error);
    expect(channel && !error && channel.subscribers(error).size() == 1);
    channel.unsubscribe(error);
    channel.unsubscribe(error);
    expect(error == IPC_ERR_NOT_SUBSCRIBED);
}

const cpp_test::Case cases[] = {
    {"a channel", a_channel},
    {"a typed channel", a_typed_channel},
    {"a buffer and a segment", a_buffer_and_a_segment},
    {"a waitset", a_waitset},
    {"a subscriber", a_subscriber},
};

} // namespace

int main()
{
    return cpp_test::run_all(cases);
}
