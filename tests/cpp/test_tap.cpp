// SPDX-License-Identifier: MIT
//
// Taps.
#include "cpp_test.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <unistd.h>
#include <utility>

using namespace std::chrono_literals;
using cpp_test::Memory;
using shmipc::Channel;
using shmipc::Tap;

namespace
{

std::array<char, 100> bytes;

// On any machine.
IpcChannelConfiguration for_taps()
{
    IpcChannelConfiguration configuration = shmipc::default_configuration();

    configuration.flags = IPC_BUFFER_TAPS;
    return configuration;
}

std::string text_of(const shmipc::Seen &seen)
{
    return seen ? std::string(bytes.data(), seen.size()) : "nothing";
}

void a_tap_sees_what_others_take()
{
    Memory memory;
    Channel channel = Channel::create(memory, for_taps());
    Tap tap = Tap::attach(channel);
    Tap other = Tap::attach(shmipc::Bytes(memory.data(), memory.size()));

    expect(tap.try_read_into(bytes).status() == IPC_EMPTY);
    channel.write("one");
    channel.write("two");
    expect(channel.try_read().text() == "one");
    expect(text_of(tap.try_read_into(bytes)) == "one");
    expect(text_of(tap.read_into_for(bytes, 1s)) == "two");
    expect(tap.read_into_for(bytes, 1ms).status() == IPC_ERR_TIMEOUT);
    expect(text_of(other.try_read_into(bytes)) == "one");
    tap.seek(IPC_TAP_NEWEST);
    expect(text_of(tap.try_read_into(bytes)) == "two");
    tap.seek(IPC_TAP_OLDEST);
    expect(*tap.skip() == 64);
    expect(tap.stats().offset == 64 && tap.stats().lag == 64);
    channel.close();
    expect(text_of(tap.try_read_into(bytes)) == "two");
    expect(tap.try_read_into(bytes).status() == IPC_ERR_CLOSED);
}

void a_tap_that_lagged_says_by_how_much()
{
    Memory memory;
    Channel channel = Channel::create(memory, for_taps());
    Tap tap = Tap::attach(channel);
    std::uint64_t written = 0;

    for (int i = 0; i < 200; i++) {
        channel.write("entry");
        expect(channel.try_read().text() == "entry");
        written += 64;
    }
    const auto seen = tap.try_read_into(bytes);
    expect(seen.status() == IPC_ERR_LAGGED);
    expect(seen.lost() == seen.offset());
    expect(seen.lost() == written - tap.stats().capacity);
    expect(tap.stats().lost == seen.lost());
    expect(text_of(tap.try_read_into(bytes)) == "entry");
}

void what_is_wrong_is_an_error()
{
    Memory memory;
    Channel channel = Channel::create(memory, for_taps());
    Tap tap = Tap::attach(channel);
    std::array<char, 2> small;
    std::error_code error;
    Tap none;

    expect_error(IPC_ERR_INVALID_ARGUMENT, none.try_read_into(bytes));
    expect_error(IPC_ERR_INVALID_ARGUMENT, none.skip());
    expect_error(IPC_ERR_INVALID_ARGUMENT, none.stats());
    expect_error(IPC_ERR_INVALID_ARGUMENT, none.seek(IPC_TAP_NOW));
    expect_error(IPC_ERR_INVALID_ARGUMENT, Tap::attach(Channel()));
    expect_error(IPC_ERR_NOT_FOUND, Tap::open("/shmipc-test-no-such-tap"));
    Tap::open("/shmipc-test-no-such-tap", error);
    expect(error == IPC_ERR_NOT_FOUND);
    channel.write("longer");
    try {
        static_cast<void>(tap.try_read_into(small));
        expect(false);
    } catch (const shmipc::Error &caught) {
        expect(caught.status() == IPC_ERR_TOO_SMALL);
        expect(caught.required_size() == 6);
    }
    static_cast<void>(tap.try_read_into(small, error));
    expect(error == IPC_ERR_TOO_SMALL);
    expect(text_of(tap.try_read_into(bytes, error)) == "longer" && !error);
}

void taps_move()
{
    Memory memory;
    Channel channel = Channel::create(memory, for_taps());
    Tap a = Tap::attach(channel);
    IpcTap *const handle = a.get();
    Tap b(std::move(a));

    expect(!a && b && b.get() == handle); // NOLINT: after the move
    a = std::move(b);
    expect(a.get() == handle);
    IpcTap *const given_up = a.release();
    expect(!a && given_up == handle);
    a = Tap(given_up);
}

void a_name_is_tapped()
{
    const std::string name = cpp_test::new_name();
    IpcOpenOptions options{};

    options.struct_size = sizeof options;
    options.flags = IPC_OPEN_UNLINK_LAST;
    options.configuration.flags = IPC_BUFFER_TAPS;
    Channel channel(ipc_channel_open(name.c_str(), &options).result);
    Tap tap = Tap::open(name.c_str());
    channel.write("by name");
    expect(text_of(tap.try_read_into(bytes)) == "by name");
}

} // namespace

int main()
{
    const cpp_test::Case cases[] = {
        {"a tap sees what others take", a_tap_sees_what_others_take},
        {"a tap that lagged says by how much",
         a_tap_that_lagged_says_by_how_much},
        {"what is wrong is an error", what_is_wrong_is_an_error},
        {"taps move", taps_move},
        {"a name is tapped", a_name_is_tapped},
    };

    return cpp_test::run_all(cases);
}
