// SPDX-License-Identifier: MIT
//
// Broadcast: subscribe, unsubscribe and the list of subscribers of channels and
// buffers.
#include "cpp_test.hpp"

#include <array>
#include <type_traits>
#include <unistd.h>

using cpp_test::Memory;
using shmipc::Buffer;
using shmipc::Channel;

namespace
{

static_assert(!std::is_copy_constructible_v<shmipc::Subscribers>);
static_assert(std::is_nothrow_move_constructible_v<shmipc::Subscribers>);
// What is for broadcast costs a handle nothing.
static_assert(sizeof(Channel) == sizeof(void *));
static_assert(sizeof(Buffer) == sizeof(void *));

IpcChannelConfiguration broadcast()
{
    auto configuration = shmipc::default_configuration();

    configuration.flags = IPC_BUFFER_BROADCAST;
    configuration.max_subscribers = 3;
    return configuration;
}

void every_subscriber_reads_every_entry()
{
    Memory memory;
    auto writer = Channel::create(memory, broadcast());
    auto one = Channel::connect(memory, broadcast());
    auto other = Channel::connect(memory, broadcast());

    one.subscribe();
    other.subscribe();
    writer.write("first");
    writer.write("second");
    for (Channel *reader : {&one, &other}) {
        expect(reader->try_read().text() == "first");
        expect(reader->try_read().text() == "second");
        expect(!reader->try_read());
    }
}

void late_ones_choose_where_to_begin()
{
    Memory memory;
    auto writer = Channel::create(memory, broadcast());
    auto late = Channel::connect(memory, broadcast());
    auto later = Channel::connect(memory, broadcast());

    writer.write("old");
    late.subscribe(IPC_SUBSCRIBE_FROM_OLDEST);
    later.subscribe(shmipc::subscription());
    writer.write("new");
    expect(late.try_read().text() == "old");
    expect(late.try_read().text() == "new");
    expect(later.try_read().text() == "new");
}

void who_has_unsubscribed_reads_no_more()
{
    Memory memory;
    auto channel = Channel::create(memory, broadcast());

    expect_error(IPC_ERR_NOT_SUBSCRIBED, channel.try_read());
    expect_error(IPC_ERR_NOT_SUBSCRIBED, channel.unsubscribe());
    channel.subscribe();
    expect_error(IPC_ERR_ILLEGAL_STATE, channel.subscribe());
    expect(!channel.try_read());
    channel.unsubscribe();
    expect_error(IPC_ERR_NOT_SUBSCRIBED, channel.try_read());
    channel.subscribe();
    expect(channel.subscribers().size() == 1);
}

void the_list_tells_who_is_how_far_behind()
{
    Memory memory;
    auto writer = Channel::create(memory, broadcast());
    auto fast = Channel::connect(memory, broadcast());

    expect(writer.subscribers().empty());
    expect(writer.subscribers().slowest() == nullptr);
    fast.subscribe();
    {
        auto slow = Channel::connect(memory, broadcast());

        slow.subscribe();
        writer.write("one of 64 bytes with its header");
        expect(fast.try_read());
        const auto all = writer.subscribers();
        const IpcSubscriber *slowest = all.slowest();
        int count = 0;

        for (const IpcSubscriber &one : all) {
            expect(one.pid == getpid());
            expect(one.fate == IPC_OWNER_LIVES);
            expect(one.state == IPC_SUBSCRIBER_READS);
            count++;
        }
        expect(count == 2 && all.size() == 2);
        expect(slowest != nullptr && slowest->lag == 64);
        expect(slowest == all.begin() + 1);
    }
    // An object that goes unsubscribes.
    const auto left = writer.subscribers();
    expect(left.size() == 1 && left.begin()->lag == 0);
}

void more_than_there_are_slots_for()
{
    Memory memory;
    auto writer = Channel::create(memory, broadcast());
    std::array<Channel, 4> readers;

    for (Channel &reader : readers)
        reader = Channel::connect(memory, broadcast());
    for (std::size_t i = 0; i < 3; i++)
        readers[i].subscribe();
    expect_error(IPC_ERR_OWNERS_FULL, readers[3].subscribe());
    expect(writer.subscribers().size() == 3);
}

void who_may_lag_is_told_what_it_lost()
{
    Memory memory;
    auto writer = Channel::create(memory, broadcast());
    auto reader = Channel::connect(memory, broadcast());
    auto how = shmipc::subscription();
    std::uint64_t lost = 0;

    how.policy = IPC_SUBSCRIBER_LAGS;
    how.after_gap = IPC_SUBSCRIBE_FROM_OLDEST;
    reader.subscribe(how);
    for (int i = 0; i < 100; i++)
        expect(writer.try_write("never refused"));
    try {
        expect(!reader.try_read());
    } catch (const shmipc::Error &error) {
        expect(error.status() == IPC_ERR_LAGGED);
        lost = error.lost();
    }
    expect(lost > 0 && lost == writer.subscribers().begin()->lost);
    expect(reader.try_read().text() == "never refused");
    try {
        expect(writer.try_read());
    } catch (const shmipc::Error &error) {
        expect(error.lost() == 0);
    }
}

void buffers_too()
{
    Memory memory;
    IpcBufferOptions options{};

    options.struct_size = sizeof options;
    options.flags = IPC_BUFFER_BROADCAST;
    auto writer = Buffer::create(memory, &options);
    auto reader = Buffer::attach(memory);
    std::array<char, 16> room;

    expect(writer.try_write("early"));
    reader.subscribe(IPC_SUBSCRIBE_FROM_OLDEST);
    expect(writer.subscribers().size() == 1);
    expect(reader.try_read_into(room).value_or(0) == 5);
    reader.unsubscribe();
    expect(reader.subscribers().empty());
    expect_error(IPC_ERR_NOT_SUBSCRIBED, reader.try_peek());
}

void a_queue_has_none()
{
    Memory memory;
    auto channel = Channel::create(memory);

    expect_error(IPC_ERR_ILLEGAL_STATE, channel.subscribe());
    expect(channel.subscribers().empty());
}

void empty_ones_refuse()
{
    expect_error(IPC_ERR_INVALID_ARGUMENT, Channel().subscribe());
    expect_error(IPC_ERR_INVALID_ARGUMENT, Channel().unsubscribe());
    expect_error(IPC_ERR_INVALID_ARGUMENT, Channel().subscribers());
    expect_error(IPC_ERR_INVALID_ARGUMENT, Buffer().subscribe());
    expect_error(IPC_ERR_INVALID_ARGUMENT, Buffer().unsubscribe());
    expect_error(IPC_ERR_INVALID_ARGUMENT, Buffer().subscribers());
}

void error_codes_say_the_same()
{
    Memory memory;
    auto channel = Channel::create(memory, broadcast());
    IpcSubscription wrong{};
    std::error_code error;

    channel.subscribe(wrong, error);
    expect(error == IPC_ERR_INVALID_ARGUMENT);
    channel.subscribe(error);
    expect(!error);
    channel.subscribe(IPC_SUBSCRIBE_FROM_OLDEST, error);
    expect(error == IPC_ERR_ILLEGAL_STATE);
    expect(channel.subscribers(error).size() == 1 && !error);
    channel.unsubscribe(error);
    expect(!error);
    channel.unsubscribe(error);
    expect(error == IPC_ERR_NOT_SUBSCRIBED);
}

} // namespace

int main()
{
    return cpp_test::run_all(std::array<cpp_test::Case, 10>{{
        {"every subscriber reads every entry",
         every_subscriber_reads_every_entry},
        {"late ones choose where to begin", late_ones_choose_where_to_begin},
        {"who has unsubscribed reads no more",
         who_has_unsubscribed_reads_no_more},
        {"the list tells who is how far behind",
         the_list_tells_who_is_how_far_behind},
        {"more than there are slots for", more_than_there_are_slots_for},
        {"who may lag is told what it lost", who_may_lag_is_told_what_it_lost},
        {"buffers too", buffers_too},
        {"a queue has none", a_queue_has_none},
        {"empty ones refuse", empty_ones_refuse},
        {"error codes say the same", error_codes_say_the_same},
    }});
}
