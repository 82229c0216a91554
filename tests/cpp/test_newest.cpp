// SPDX-License-Identifier: MIT
//
// Keep-last: the newest entry and pins, of channels and buffers.
#include "cpp_test.hpp"

#include <array>
#include <chrono>
#include <type_traits>
#include <utility>

using cpp_test::Memory;
using shmipc::Buffer;
using shmipc::Channel;
using shmipc::PinnedEntry;

namespace
{

static_assert(!std::is_copy_constructible_v<PinnedEntry>);
static_assert(std::is_nothrow_move_constructible_v<PinnedEntry>);
static_assert(std::is_nothrow_move_assignable_v<PinnedEntry>);
static_assert(sizeof(Channel) == sizeof(void *));
static_assert(sizeof(Buffer) == sizeof(void *));

IpcChannelConfiguration broadcast()
{
    auto configuration = shmipc::default_configuration();

    configuration.flags = IPC_BUFFER_BROADCAST;
    configuration.max_subscribers = 3;
    return configuration;
}

void a_pin_lasts_as_long_as_its_guard()
{
    Memory memory;
    auto writer = Channel::create(memory, broadcast());
    auto reader = Channel::connect(memory, broadcast());

    reader.subscribe(shmipc::lagging_subscription());
    writer.write("old");
    writer.write("new");
    {
        auto pinned = reader.try_pin_newest();

        expect(pinned && pinned.text() == "new" && pinned.skipped() == 64);
        for (int i = 0; i < 10000; i++)
            writer.write("other");
        expect(pinned.text() == "new");
        expect_error(IPC_ERR_ILLEGAL_STATE, reader.try_pin());
    }
    auto again = reader.pin_newest();

    expect(again.text() == "other" && again.size() == 5);
    again.unpin();
    expect(!again && again.status() == IPC_EMPTY && again.data() == nullptr);
    expect(reader.try_pin().status() == IPC_EMPTY);
}

void a_guard_that_is_moved_is_unpinned_once()
{
    Memory memory;
    auto writer = Channel::create(memory, broadcast());
    auto reader = Channel::connect(memory, broadcast());

    reader.subscribe(shmipc::lagging_subscription());
    writer.write("one");
    writer.write("two");
    auto pinned = reader.pin();
    auto moved = std::move(pinned);

    expect(moved.text() == "one" && !pinned);
    moved = PinnedEntry();
    moved = reader.pin_for(std::chrono::seconds(10));
    expect(moved.text() == "two");
}

void the_newest_is_copied()
{
    Memory memory;
    auto writer = Channel::create(memory, broadcast());
    auto reader = Channel::connect(memory, broadcast());
    std::array<std::byte, 8> bytes{};
    std::error_code error;

    reader.subscribe();
    expect(reader.try_read_newest_into(bytes).status() == IPC_EMPTY);
    expect(reader.read_newest_into_for(bytes, std::chrono::milliseconds(1))
               .status() == IPC_ERR_TIMEOUT);
    writer.write("one");
    writer.write("three");
    const auto copy = reader.read_newest_into(bytes, error);

    expect(copy && !error && copy.size() == 5 && copy.skipped() == 64);
    expect(copy.offset() == 64);
    writer.write("too many bytes");
    const auto none = reader.try_read_newest_into(bytes, error);

    expect(!none && error == IPC_ERR_TOO_SMALL);
    writer.close();
    expect(reader.pin_newest().text() == "too many bytes");
    expect(reader.pin_newest().status() == IPC_ERR_CLOSED);
}

void a_buffer_does_the_same()
{
    Memory memory;
    std::array<std::byte, 8> bytes{};
    IpcBufferOptions options{};

    options.struct_size = sizeof options;
    options.flags = IPC_BUFFER_BROADCAST;
    options.max_subscribers = 2;
    auto writer = Buffer::create(memory, &options);
    auto reader = Buffer::attach(memory);

    expect_error(IPC_ERR_NOT_SUBSCRIBED, reader.try_pin());
    reader.subscribe(shmipc::lagging_subscription());
    expect(writer.try_write("one"));
    expect(writer.try_write("two"));
    expect(reader.try_pin().text() == "one");
    expect(reader.try_read_newest_into(bytes).size() == 3);
    expect(writer.try_write("three"));
    expect(reader.try_pin_newest().text() == "three");
}

} // namespace

int main()
{
    return cpp_test::run_all(std::array<cpp_test::Case, 4>{{
        {"a pin lasts as long as its guard", a_pin_lasts_as_long_as_its_guard},
        {"a guard that is moved is unpinned once",
         a_guard_that_is_moved_is_unpinned_once},
        {"the newest is copied", the_newest_is_copied},
        {"a buffer does the same", a_buffer_does_the_same},
    }});
}
