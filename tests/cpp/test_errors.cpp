// SPDX-License-Identifier: MIT
//
// How errors are told, and how long is waited.
#include "cpp_test.hpp"

#include <array>
#include <cstring>
#include <limits>
#include <string>

using namespace std::chrono_literals;
using shmipc::Timeout;

namespace
{

alignas(64) std::array<unsigned char, 4096> memory;

void statuses_are_error_codes()
{
    const std::error_code error = IPC_ERR_TIMEOUT;
    const std::error_code none = IPC_OK;

    expect(error && error == IPC_ERR_TIMEOUT && error != IPC_ERR_CLOSED);
    expect(!none);
    expect(std::strcmp(error.category().name(), "shmipc") == 0);
    expect(error.category() == shmipc::category());
    expect(error.message() == ipc_status_text(IPC_ERR_TIMEOUT));
    expect(error == std::errc::timed_out && error != std::errc::broken_pipe);
    expect(make_error_code(IPC_ERR_CLOSED) == std::errc::broken_pipe);
    expect(make_error_code(IPC_ERR_LOCKED) ==
           std::errc::resource_unavailable_try_again);
    expect(make_error_code(IPC_ERR_NO_SPACE_CONTIGUOUS) ==
           std::errc::no_buffer_space);
    expect(make_error_code(IPC_ERR_ENTRY_TOO_LARGE) == std::errc::message_size);
    expect(make_error_code(IPC_ERR_INVALID_ARGUMENT) ==
           std::errc::invalid_argument);
    expect(make_error_code(IPC_ERR_ALLOCATION) == std::errc::not_enough_memory);
    expect(make_error_code(IPC_ERR_UNSUPPORTED) == std::errc::not_supported);
    expect(make_error_code(IPC_ERR_PRODUCERS_DEAD) == std::errc::owner_dead);
    expect(make_error_code(IPC_ERR_CONSUMERS_DEAD) == std::errc::owner_dead);
    expect(make_error_code(IPC_ERR_INTERRUPTED) == std::errc::interrupted);
    expect(make_error_code(IPC_ERR_EXISTS) == std::errc::file_exists);
    expect(make_error_code(IPC_ERR_IN_USE) ==
           std::errc::device_or_resource_busy);
    // No number of ours is taken for an errno.
    expect(make_error_code(IPC_EMPTY) != std::errc::operation_not_permitted);
    expect(make_error_code(IPC_ERR_CORRUPTED).default_error_condition() !=
           std::errc::timed_out);
}

void an_error_says_what_the_call_said()
{
    std::string what;
    IpcStatus status = IPC_OK;

    const IpcChannelConnectResult c = ipc_channel_connect_sized(
        memory.data(), 1, shmipc::default_configuration());
    try {
        static_cast<void>(shmipc::Channel::connect({memory.data(), 1}));
    } catch (const std::system_error &caught) {
        const auto &error = dynamic_cast<const shmipc::Error &>(caught);

        what = caught.what();
        status = error.status();
        expect(caught.code() == c.ipc_status);
    }
    expect(status == c.ipc_status && status < 0);
    expect(what.find(c.error.detail) != std::string::npos);
    expect(what.find(ipc_status_text(status)) != std::string::npos);
}

void a_failed_system_call_is_its_errno()
{
    const std::string name(300, 'x');
    std::error_code error;
    IpcStatus status = IPC_OK;

    expect(!shmipc::Segment::open(name.c_str(), 4096, error));
    expect(error.category() == std::system_category());
    expect(error.value() == ipc_mmap(name.c_str(), 4096).error.body.sys_errno);
    try {
        static_cast<void>(shmipc::Segment::open(name.c_str(), 4096));
    } catch (const shmipc::Error &caught) {
        status = caught.status();
        expect(caught.code() == error && caught.required_size() == 0);
    }
    expect(status == IPC_ERR_SYSTEM);
}

void an_error_code_is_cleared_by_what_goes_well()
{
    std::error_code error = IPC_ERR_CORRUPTED;
    shmipc::Channel channel = shmipc::Channel::create(memory, error);

    expect(channel && !error);
    error = IPC_ERR_CORRUPTED;
    expect(channel.try_write("x", error) && !error);
    error = IPC_ERR_CORRUPTED;
    expect(channel.try_read(error) && !error);
    error = IPC_ERR_CORRUPTED;
    channel.close(error);
    expect(!error);
}

bool is(const Timeout &timeout, long seconds, long ns)
{
    return timeout.get()->tv_sec == seconds && timeout.get()->tv_nsec == ns;
}

// The longest is in seconds what an int can hold.
bool is_longest(const Timeout &timeout)
{
    return is(timeout, std::numeric_limits<int>::max(), 0);
}

void any_duration_is_a_timeout()
{
    using picoseconds = std::chrono::duration<long long, std::pico>;
    using real = std::chrono::duration<double>;
    using frames = std::chrono::duration<long long, std::ratio<1001, 30000>>;
    using bytes = std::chrono::duration<signed char>;

    expect(is(Timeout(0s), 0, 0));
    expect(is(Timeout(1500ms), 1, 500000000));
    expect(is(Timeout(999999999ns), 0, 999999999));
    expect(is(Timeout(1000000000ns), 1, 0));
    expect(is(Timeout(2h), 7200, 0));
    expect(is(Timeout(bytes(127)), 127, 0));
    expect(is(Timeout(frames(30000)), 1001, 0));
    // Up, so that nobody waits for less than was said.
    expect(is(Timeout(picoseconds(1)), 0, 1));
    expect(is(Timeout(picoseconds(999999999001)), 1, 0));
    expect(is(Timeout(real(0.25)), 0, 250000000));
}

void timeouts_are_as_long_as_can_be_told()
{
    using real = std::chrono::duration<double>;
    using days = std::chrono::duration<long long, std::ratio<86400>>;

    expect(is(Timeout(-1ns), 0, 0));
    expect(is(Timeout(std::chrono::hours::min()), 0, 0));
    expect(is(Timeout(real(std::numeric_limits<double>::quiet_NaN())), 0, 0));
    expect(is(Timeout(real(-std::numeric_limits<double>::infinity())), 0, 0));
    expect(is_longest(std::chrono::nanoseconds::max()));
    expect(is_longest(std::chrono::seconds::max()));
    expect(is_longest(std::chrono::hours::max()));
    expect(is_longest(days::max()));
    expect(is_longest(real(std::numeric_limits<double>::infinity())));
    expect(is_longest(real(1e300)));
    expect(is(Timeout(std::chrono::seconds(2147483646)), 2147483646, 0));
}

const cpp_test::Case cases[] = {
    {"statuses are error codes", statuses_are_error_codes},
    {"an error says what the call said", an_error_says_what_the_call_said},
    {"a failed system call is its errno", a_failed_system_call_is_its_errno},
    {"an error code is cleared by what goes well",
     an_error_code_is_cleared_by_what_goes_well},
    {"any duration is a timeout", any_duration_is_a_timeout},
    {"timeouts are as long as can be told",
     timeouts_are_as_long_as_can_be_told},
};

} // namespace

int main()
{
    return cpp_test::run_all(cases);
}
