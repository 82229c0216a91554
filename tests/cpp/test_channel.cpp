// SPDX-License-Identifier: MIT
//
// Channels, buffers and segments. Guards: test_guards.cpp.
#include "cpp_test.hpp"

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;
using cpp_test::Memory;
using shmipc::Channel;
using shmipc::Entry;
using shmipc::Message;
using shmipc::Reservation;

namespace
{

template <class T>
constexpr bool only_moves =
    std::is_nothrow_move_constructible_v<T>
        &&std::is_nothrow_move_assignable_v<T> &&
    !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;

static_assert(only_moves<Channel>);
static_assert(only_moves<shmipc::Buffer>);
static_assert(only_moves<shmipc::Segment>);
static_assert(only_moves<shmipc::WaitSet>);
static_assert(only_moves<shmipc::SharedChannel>);
static_assert(only_moves<Message>);
static_assert(only_moves<Entry>);
static_assert(only_moves<Reservation>);
static_assert(only_moves<shmipc::Buffer::Entry>);
static_assert(only_moves<shmipc::Buffer::Reservation>);
static_assert(!std::is_convertible_v<IpcChannel *, Channel>);
// Bytes are what means the same elsewhere.
static_assert(std::is_convertible_v<std::vector<int>, shmipc::Bytes>);
static_assert(!std::is_convertible_v<std::vector<std::string>, shmipc::Bytes>);
static_assert(!std::is_convertible_v<std::vector<int *>, shmipc::Bytes>);
static_assert(!std::is_convertible_v<std::string_view, shmipc::MutableBytes>);

IpcChannelConfiguration with_flags(std::uint32_t flags)
{
    IpcChannelConfiguration configuration = shmipc::default_configuration();

    configuration.flags = flags;
    return configuration;
}

void fill(Channel &channel)
{
    while (channel.try_write("filler"))
        continue;
}

void moves()
{
    Memory memory;
    Channel a = Channel::create(memory);
    IpcChannel *const handle = a.get();
    Channel b(std::move(a));

    expect(!a && a.get() == nullptr); // NOLINT: after the move
    expect(b && b.get() == handle);
    expect_error(IPC_ERR_INVALID_ARGUMENT, a.try_write("to nobody"));
    expect_error(IPC_ERR_INVALID_ARGUMENT, a.try_read());
    expect_error(IPC_ERR_INVALID_ARGUMENT, a.close());
    expect(a.max_entry_size() == 0);
    a = std::move(b);
    expect(a.get() == handle && !b);
    Channel &same = a;
    a = std::move(same);
    expect(a.get() == handle);
    a.write("still there");
    expect(a.try_read().text() == "still there");
    IpcChannel *const given_up = a.release();
    expect(!a && given_up == handle);
    a = Channel(given_up);
}

// A role that a handle has is free when it goes.
void a_handle_that_is_assigned_to_is_released()
{
    Memory memory;
    Channel first =
        Channel::create(memory, with_flags(IPC_BUFFER_ONE_CONSUMER));
    Channel second = Channel::connect(memory);

    expect(first.try_read().status() == IPC_EMPTY);
    expect_error(IPC_ERR_ROLE_TAKEN, second.try_read());
    first = Channel();
    expect(second.try_read().status() == IPC_EMPTY);
}

void messages()
{
    Memory memory;
    Channel channel = Channel::create(memory);
    const int number = 42;

    channel.write({&number, sizeof number});
    channel.write("text");
    Message message = channel.try_read();
    expect(message && message.status() == IPC_OK);
    expect(message.size() == sizeof number);
    expect(message.as<int>() && *message.as<int>() == 42);
    expect(message.as<short>().status() == IPC_ERR_SIZE_MISMATCH);
    expect(message.as<short>().value_or(7) == 7);
    expect(message.end() - message.begin() == sizeof number);
    const std::uint64_t offset = message.offset();

    Message moved(std::move(message));
    expect(!message && message.size() == 0); // NOLINT: after the move
    expect(message.data() == nullptr && message.begin() == message.end());
    expect(message.status() == IPC_EMPTY && message.text().empty());
    expect(moved && moved.size() == sizeof number);
    moved = channel.try_read();
    expect(moved.text() == "text" && moved.offset() > offset);
    void *const payload = moved.release();
    expect(!moved && std::memcmp(payload, "text", 4) == 0);
    std::free(payload);
    moved = channel.try_read();
    expect(!moved && moved.status() == IPC_EMPTY);
    expect(moved.as<int>().status() == IPC_EMPTY);
}

void nothing_to_read_is_no_error()
{
    Memory memory;
    Channel channel = Channel::create(memory);
    unsigned char room[16];
    std::error_code error = IPC_ERR_LOCKED;

    expect(channel.try_read().status() == IPC_EMPTY);
    expect(channel.try_read_into(room).status() == IPC_EMPTY);
    expect(channel.try_peek().status() == IPC_EMPTY);
    expect(channel.read_for(1ms).status() == IPC_ERR_TIMEOUT);
    expect(channel.read_into_for(room, 1ms).status() == IPC_ERR_TIMEOUT);
    expect(channel.peek_for(1ms).status() == IPC_ERR_TIMEOUT);
    expect(channel.read_for(-1h).status() == IPC_ERR_TIMEOUT);
    expect(!channel.try_read(error) && !error);

    Reservation reservation = channel.reserve(8);
    expect(channel.try_read().status() == IPC_ERR_NOT_READY);
    expect(channel.try_peek().status() == IPC_ERR_NOT_READY);
    reservation.abort();

    channel.write("last");
    channel.close();
    expect(channel.read().text() == "last");
    expect(channel.read().status() == IPC_ERR_CLOSED);
    expect(channel.read_into(room).status() == IPC_ERR_CLOSED);
    expect(channel.peek().status() == IPC_ERR_CLOSED);
    error = IPC_ERR_LOCKED;
    expect(!channel.read(error) && !error);
}

void a_full_channel_is_no_error_but_a_closed_one_is()
{
    Memory memory;
    Channel channel = Channel::create(memory);
    std::error_code error = IPC_ERR_LOCKED;

    fill(channel);
    expect(!channel.try_write("more"));
    expect(!channel.write_for("more", 1ms));
    expect(!channel.write_for("more", 1ms, error) && !error);
    expect(channel.try_reserve(8).status() == IPC_ERR_NO_SPACE_CONTIGUOUS);
    expect(channel.reserve_for(8, 1ms).status() == IPC_ERR_TIMEOUT);
    channel.close();
    expect_error(IPC_ERR_CLOSED, channel.try_write("late"));
    expect_error(IPC_ERR_CLOSED, channel.write("late"));
    expect_error(IPC_ERR_CLOSED, channel.reserve(8));
    channel.write("late", error);
    expect(error == IPC_ERR_CLOSED);
    expect(!channel.reserve(8, error) && error == IPC_ERR_CLOSED);
}

void reading_into_memory()
{
    Memory memory;
    Channel channel = Channel::create(memory);
    std::array<char, 16> room{};
    std::uint64_t required = 0;
    std::error_code error;

    channel.write("twelve bytes");
    try {
        static_cast<void>(channel.read_into({room.data(), 4}));
    } catch (const shmipc::Error &caught) {
        required = caught.required_size();
        expect(caught.status() == IPC_ERR_TOO_SMALL);
    }
    expect(required == 12);
    expect(!channel.try_read_into({room.data(), 4}, error));
    expect(error == IPC_ERR_TOO_SMALL);
    const auto size = channel.read_into_for(room, 1s, error);
    expect(size && *size == 12 && !error);
    expect(std::string_view(room.data(), *size) == "twelve bytes");
}

void all_kinds_of_bytes()
{
    Memory memory;
    Channel channel = Channel::create(memory);
    const std::vector<int> numbers{1, 2, 3};
    const std::string text("a\0b", 3);
    int in_place[2] = {4, 5};
    char terminated[16] = "up to here";

    channel.write(numbers);
    expect(channel.try_read().size() == 3 * sizeof(int));
    channel.write(text);
    expect(channel.try_read().text() == text);
    channel.write(std::string_view("view"));
    expect(channel.try_read().text() == "view");
    channel.write(in_place);
    expect(channel.try_read().size() == 2 * sizeof(int));
    channel.write(numbers);
    int three[3] = {};
    expect(channel.read_into(three).value_or(0) == sizeof three);
    expect(three[2] == 3);
    channel.write(terminated);
    expect(channel.try_read().text() == "up to here");
    channel.write("literal");
    expect(channel.try_read().text() == "literal");
    expect_error(IPC_ERR_INVALID_ARGUMENT, channel.write(""));
#if defined(__cpp_lib_span)
    channel.write(std::as_bytes(std::span(numbers)));
    Message message = channel.try_read();
    const std::span<const std::byte> bytes = message;
    expect(bytes.size() == 3 * sizeof(int));
    expect(message.bytes().data() == bytes.data());
    std::array<std::byte, 8> room;
    channel.write(std::span(in_place));
    expect(channel.read_into(std::span(room)).value_or(0) == 8);
    channel.write("seen");
    {
        Entry entry = channel.try_peek();
        expect(entry.bytes().size() == 4);
    }
    Reservation reservation = channel.reserve(5);
    expect(reservation.bytes().size() == 5);
#endif
}

void blocked_calls_end()
{
    Memory memory;
    Channel reader = Channel::create(memory);
    Channel writer = Channel::connect(memory);
    std::string got;
    unsigned long read = 0;

    std::thread thread([&] {
        while (const Message message = reader.read()) {
            got = message.text();
            read++;
        }
    });
    for (int i = 0; i < 1000; i++)
        writer.write(std::to_string(i));
    writer.close();
    thread.join();
    expect(read == 1000 && got == "999");
}

// Each way of waiting for ever is told by a writer that comes late.
void calls_wait()
{
    Memory memory;
    Channel reader = Channel::create(memory);
    Channel writer = Channel::connect(memory);
    std::array<char, 8> room;
    std::error_code error;
    const auto write_late = [&writer] {
        return std::thread([&writer] {
            std::this_thread::sleep_for(30ms);
            writer.write("late");
        });
    };
    const auto waits = [&](auto call) {
        std::thread thread = write_late();
        const bool got = static_cast<bool>(call());

        thread.join();
        return got;
    };

    expect(waits([&] { return reader.read(); }));
    expect(waits([&] { return reader.read(error); }));
    expect(waits([&] { return reader.read_for(1h); }));
    expect(waits([&] { return reader.read_for(1h, error); }));
    expect(waits([&] { return reader.peek(); }));
    expect(waits([&] { return reader.peek(error); }));
    expect(waits([&] { return reader.peek_for(1h, error); }));
    expect(waits([&] { return reader.read_into(room); }));
    expect(waits([&] { return reader.read_into(room, error); }));
    expect(waits([&] { return reader.read_into_for(room, 1h, error); }));
    expect(!reader.try_read() && !error);
    expect(!reader.read_for(1ms, error) && !reader.peek_for(1ms, error));
    expect(!reader.read_into_for(room, 1ms, error) && !error);
}

void channels_by_name()
{
    const std::string name = cpp_test::new_name();
    IpcOpenOptions options = shmipc::open_options();
    std::error_code error;

    options.flags = IPC_OPEN_CONNECT_ONLY;
    expect_error(IPC_ERR_NOT_FOUND, Channel::open(name.c_str(), &options));
    expect(!Channel::open(name.c_str(), &options, error));
    expect(error == std::errc::no_such_file_or_directory);
    Channel first = Channel::open(name.c_str());
    Channel second = Channel::open(name.c_str(), error);
    expect(first.created() && second && !second.created() && !error);
    first.write("by name");
    expect(second.read().text() == "by name");
    expect_error(IPC_ERR_INVALID_ARGUMENT, Channel::open("a/b"));
    options.flags = IPC_OPEN_EXCLUSIVE;
    expect(!Channel::open(name.c_str(), &options, error));
    expect(error == IPC_ERR_EXISTS);
    Channel::unlink(name.c_str());
    expect_error(IPC_ERR_NOT_FOUND, Channel::unlink(name.c_str()));
    Channel::unlink(name.c_str(), error);
    expect(error == IPC_ERR_NOT_FOUND);
    options.flags = IPC_OPEN_UNLINK_LAST;
    {
        shmipc::Buffer buffer = shmipc::Buffer::open(name.c_str(), &options);
        expect(buffer.created() && buffer.try_write("entry"));
    }
    options.flags = IPC_OPEN_CONNECT_ONLY;
    expect(!shmipc::Buffer::open(name.c_str(), &options, error));
    expect(error == IPC_ERR_NOT_FOUND);
    {
        shmipc::Buffer maker = shmipc::Buffer::open(name.c_str(), error);
        shmipc::Buffer guest = shmipc::Buffer::open(name.c_str());
        expect(!error && maker.created() && !guest.created());
    }
    shmipc::Buffer::unlink(name.c_str());
    expect_error(IPC_ERR_NOT_FOUND, shmipc::Buffer::unlink(name.c_str()));
    shmipc::Buffer::unlink(name.c_str(), error);
    expect(error == IPC_ERR_NOT_FOUND);
    expect(!Channel().created() && !shmipc::Buffer().created());
}

void an_interrupt_ends_reads_and_is_an_error_of_writes()
{
    Memory memory;
    Channel channel = Channel::create(memory);
    unsigned char room[16];
    std::error_code error = IPC_ERR_LOCKED;

    channel.write("there");
    channel.interrupt();
    expect(channel.read().text() == "there");
    expect(channel.read().status() == IPC_ERR_INTERRUPTED);
    expect(channel.read(error).status() == IPC_ERR_INTERRUPTED && !error);
    expect(channel.read_into(room).status() == IPC_ERR_INTERRUPTED);
    expect(channel.peek_for(1h).status() == IPC_ERR_INTERRUPTED);
    fill(channel);
    expect_error(IPC_ERR_INTERRUPTED, channel.write("more"));
    expect_error(std::errc::interrupted, channel.write_for("more", 1h));
    expect_error(IPC_ERR_INTERRUPTED, channel.reserve(8));
    expect(channel.clear_interrupt() && !channel.clear_interrupt());
    expect(!channel.write_for("more", 1ms));
    Channel().interrupt();
    expect(!Channel().clear_interrupt());
    std::thread thread([&channel] { channel.interrupt(); });
    while (const Message message = channel.read())
        continue;
    thread.join();
}

void a_waitset_tells_which_channels_are_ready()
{
    Memory memories[3];
    std::vector<Channel> channels;
    shmipc::WaitSet made = shmipc::WaitSet::create();
    IpcWaitSetReady ready[3];
    int numbers[3] = {0, 1, 2};

    for (std::size_t i = 0; i < 3; i++) {
        channels.push_back(Channel::create(memories[i]));
        made.add(channels[i], &numbers[i]);
    }
    shmipc::WaitSet set(std::move(made));
    expect(!made && set); // NOLINT: after the move
    expect_error(IPC_ERR_INVALID_ARGUMENT, made.add(channels[0]));
    expect(set.try_wait(ready, 3).status() == IPC_ERR_TIMEOUT);
    expect(set.wait_for(ready, 3, 1ms).status() == IPC_ERR_TIMEOUT);
    channels[1].write("ready");
    auto count = set.wait(ready, 3);
    expect(count && *count == 1 && ready[0].user == &numbers[1]);
    expect(ready[0].channel == channels[1].get());
    expect(set.try_wait(ready, 3).value_or(0) == 1); // until it is read
    expect(channels[1].read().text() == "ready");
    std::thread thread([&channels] {
        std::this_thread::sleep_for(30ms);
        channels[2].write("late");
    });
    count = set.wait_for(ready, 3, 1h);
    expect(count && ready[0].user == &numbers[2]);
    thread.join();
    set.remove(channels[2]);
    expect_error(IPC_ERR_ILLEGAL_STATE, set.remove(channels[2]));
    expect_error(IPC_ERR_INVALID_ARGUMENT, set.wait(ready, 0));
    channels.clear(); // those that go leave it by themselves
    set.interrupt();
    expect(set.wait(ready, 3).status() == IPC_ERR_INTERRUPTED);
    shmipc::WaitSet().interrupt();
}

void a_channel_travels_over_a_socket()
{
    IpcOpenOptions options = shmipc::open_options();
    std::error_code error;
    int sockets[2];
    Memory memory;

    options.flags = IPC_OPEN_MEMFD;
    Channel sent = Channel::open("travels", &options);
    expect(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
    sent.share(sockets[0]);
    shmipc::SharedChannel got = shmipc::SharedChannel::accept(sockets[1]);
    expect(got && !got.can_shrink());
    sent.write("hello there");
    shmipc::SharedChannel moved(std::move(got));
    expect(!got && moved); // NOLINT: after the move
    expect(moved.channel().read().text() == "hello there");
    sent.share(sockets[0], error);
    moved = shmipc::SharedChannel::accept(sockets[1], error);
    expect(moved && !error);
    expect_error(IPC_ERR_INVALID_ARGUMENT,
                 Channel::create(memory).share(sockets[0]));
    close(sockets[0]);
    expect(!shmipc::SharedChannel::accept(sockets[1], error));
    expect(error == std::errc::connection_reset);
    close(sockets[1]);
}

void segments()
{
    const std::string name = cpp_test::new_name();
    std::error_code error;

    shmipc::Segment a = shmipc::Segment::open(name.c_str(), 65536);
    expect(a && a.size() == 65536 && a.name() && name == a.name());
    shmipc::Segment b = shmipc::Segment::open(name.c_str(), 65536, error);
    expect(b && !error);
    a.data()[100] = std::byte{7};
    expect(b.data()[100] == std::byte{7});
    shmipc::Segment c(std::move(a));
    expect(!a && a.data() == nullptr && a.size() == 0); // NOLINT
    expect(a.name() == nullptr);
    a = std::move(c);
    expect(a.data()[100] == std::byte{7});
    expect(!shmipc::Segment::open(name.c_str(), 4096, error));
    expect(error == IPC_ERR_ILLEGAL_STATE);
    a.unlink();
    expect(!a);
    expect_error(IPC_ERR_INVALID_ARGUMENT, a.unlink());
    // The name is gone, so this is another one.
    c = shmipc::Segment::open(name.c_str(), 4096);
    expect(c.data()[100] == std::byte{0});
    c.unlink(error);
    expect(!error && b.data()[100] == std::byte{7});
    {
        shmipc::Segment d = shmipc::Segment::open(name.c_str(), 4096);
        d.unlink_at_end();
        d = shmipc::Segment(std::move(d)); // and goes on to where it moves
    }
    a = shmipc::Segment::open(name.c_str(), 8192);
    expect(a.size() == 8192);
    a.unlink();
}

void buffers()
{
    Memory memory;
    shmipc::Buffer buffer = shmipc::Buffer::create(memory);
    shmipc::Buffer other = shmipc::Buffer::attach(memory);
    const shmipc::Buffer monitor = shmipc::Buffer::observe(memory.bytes);
    std::array<char, 8> room;
    std::error_code error;

    expect(buffer && buffer.max_entry_size() > 64);
    expect(buffer.try_write("entry"));
    expect(monitor.stats().head_state == IPC_BUFFER_HEAD_READY);
    expect(other.try_peek().text() == "entry");
    {
        auto space = other.try_reserve(8);
        std::memcpy(space.data(), "in place", 8);
        space.commit();
    }
    expect(buffer.try_read_into(room).value_or(0) == 8);
    expect(buffer.try_read_into(room).status() == IPC_EMPTY);
    expect(buffer.recover() == 0);
    while (buffer.try_write("filler", error))
        continue;
    expect(!error);
    expect(buffer.try_reserve(1).status() == IPC_ERR_NO_SPACE_CONTIGUOUS);
    shmipc::Buffer moved(std::move(buffer));
    expect(!buffer && moved); // NOLINT: after the move
    expect_error(IPC_ERR_INVALID_ARGUMENT, buffer.try_write("to nobody"));
    expect_error(IPC_ERR_INVALID_ARGUMENT,
                 shmipc::Buffer::create({memory.data(), 10}));
    memory.bytes.fill(0);
    expect(!shmipc::Buffer::attach(memory, error));
    expect(error == IPC_ERR_NOT_FORMATTED);
}

void descriptions()
{
    Memory memory;
    IpcChannelConfiguration configuration = shmipc::default_configuration();
    std::error_code error;

    configuration.wait = IPC_WAIT_SLEEP;
    Channel channel = Channel::create(memory, configuration);
    expect(channel.stats().used == 0);
    channel.write("something");
    expect(channel.stats().used > 0 && channel.stats(error).head_size == 9);
    expect(channel.recover() == 0 && channel.recover(error) == 0);
    expect_error(IPC_ERR_UNSUPPORTED, channel.fd());
    expect(channel.fd(error) == -1 && error == IPC_ERR_UNSUPPORTED);
}

void a_descriptor_to_poll()
{
    Memory memory;
    IpcChannelConfiguration configuration = shmipc::default_configuration();
    std::error_code error;

    configuration.wait = IPC_WAIT_EVENTFD;
    Channel channel = Channel::create(memory, configuration, error);
    if (error == IPC_ERR_UNSUPPORTED)
        return;
    expect(channel.fd(error) >= 0 && !error);
}

const cpp_test::Case cases[] = {
    {"handles move", moves},
    {"a handle that is assigned to is released",
     a_handle_that_is_assigned_to_is_released},
    {"messages own their memory", messages},
    {"nothing to read is no error", nothing_to_read_is_no_error},
    {"a full channel is no error, but a closed one is",
     a_full_channel_is_no_error_but_a_closed_one_is},
    {"reading into memory", reading_into_memory},
    {"all kinds of bytes", all_kinds_of_bytes},
    {"blocked calls end", blocked_calls_end},
    {"calls wait", calls_wait},
    {"channels by name", channels_by_name},
    {"an interrupt ends reads, and is an error of writes",
     an_interrupt_ends_reads_and_is_an_error_of_writes},
    {"a waitset tells which channels are ready",
     a_waitset_tells_which_channels_are_ready},
    {"a channel travels over a socket", a_channel_travels_over_a_socket},
    {"segments", segments},
    {"buffers", buffers},
    {"descriptions", descriptions},
    {"a descriptor to poll", a_descriptor_to_poll},
};

} // namespace

int main()
{
    return cpp_test::run_all(cases);
}
