// SPDX-License-Identifier: MIT
//
// Guards: entries and reservations in place.
#include "cpp_test.hpp"

#include <cstring>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using cpp_test::Memory;
using shmipc::Channel;
using shmipc::Entry;
using shmipc::Reservation;

namespace
{

void an_entry_is_consumed_when_its_guard_goes()
{
    Memory memory;
    Channel channel = Channel::create(memory);

    channel.write("first");
    channel.write("second");
    channel.write("third");
    {
        Entry entry = channel.try_peek();
        expect(entry && entry.text() == "first" && entry.size() == 5);
        expect(entry.end() - entry.begin() == 5);
        Entry moved(std::move(entry));
        expect(!entry && entry.data() == nullptr); // NOLINT: after the move
        expect(entry.begin() == entry.end());
        expect(moved.text() == "first" && moved.status() == IPC_OK);
    }
    Entry entry = channel.try_peek();
    expect(entry.text() == "second" && entry.offset() > 0);
    entry = Entry(); // consumes it
    expect(channel.try_read().text() == "third");
    expect(!channel.try_read());
}

void an_entry_can_be_left()
{
    Memory memory;
    Channel channel = Channel::create(memory);

    channel.write("again");
    {
        Entry entry = channel.try_peek();
        entry.leave();
        expect(!entry && entry.data() == nullptr);
    }
    try {
        Entry entry = channel.try_peek();
        expect(entry.text() == "again");
        throw 1;
    } catch (int) {
    }
    try {
        Entry moved;
        {
            Entry entry = channel.try_peek();
            moved = std::move(entry);
        }
        throw 1;
    } catch (int) {
    }
    expect(channel.try_peek().text() == "again"); // a guard that goes at once
    expect(!channel.try_read());
}

// A guard that was made while an exception was on its way knows only of others.
struct ReadsInDestructor {
    Channel &channel;
    Entry older{};

    ~ReadsInDestructor()
    {
        std::error_code error;
        {
            const Entry entry = channel.try_peek(error);
        }
        {
            Entry entry = channel.try_peek(error);
            const Entry moved(std::move(entry));
        }
        older = channel.try_peek(error);
    }
};

void an_entry_is_consumed_by_a_guard_that_was_made_during_unwinding()
{
    Memory memory;
    Channel channel = Channel::create(memory);

    channel.write("one");
    channel.write("two");
    channel.write("three");
    try {
        ReadsInDestructor reader{channel};
        throw 1;
    } catch (int) {
    }
    expect(channel.try_read().status() == IPC_EMPTY);
}

void take_says_whose_an_entry_was()
{
    Memory memory;
    Channel mine = Channel::create(memory);
    Channel other = Channel::connect(memory);
    std::error_code error = IPC_ERR_LOCKED;

    mine.write("one");
    mine.write("two");
    Entry a = mine.try_peek();
    Entry b = other.try_peek();
    expect(a.take());
    expect(!a && a.data() == nullptr);
    expect(!b.take(error) && !error);
    expect(!b);
    expect_error(IPC_ERR_INVALID_ARGUMENT, b.take());
    expect(!b.take(error) && error == IPC_ERR_INVALID_ARGUMENT);
    b = other.try_peek();
    expect(b.text() == "two" && mine.try_read().text() == "two");
    // Now it is empty at the head, and what a guard had is another's.
    expect(!b.take());
    mine.write("three");
    expect(other.try_read().text() == "three");
}

void a_reservation_is_committed_or_given_back()
{
    Memory memory;
    Channel channel = Channel::create(memory);
    std::error_code error;

    {
        Reservation space = channel.reserve(100);
        expect(space && space.size() == 100 && space.status() == IPC_OK);
        std::memcpy(space.data(), "part of it", 10);
        space.commit(10);
        expect(!space && space.data() == nullptr && space.size() == 0);
    }
    expect(channel.try_read().text() == "part of it");
    {
        Reservation space = channel.try_reserve(100);
        expect(space);
    }
    expect(channel.try_read().status() == IPC_EMPTY);
    try {
        Reservation space = channel.reserve(100);
        throw 1;
    } catch (int) {
    }
    expect(channel.try_read().status() == IPC_EMPTY);

    Reservation space = channel.reserve(3);
    std::memcpy(space.data(), "all", 3);
    expect_error(IPC_ERR_INVALID_ARGUMENT, space.commit(0));
    space.commit(4, error);
    expect(error == IPC_ERR_INVALID_ARGUMENT && space);
    Reservation moved(std::move(space));
    expect(!space && moved); // NOLINT: after the move
    moved.commit(error);
    expect(!error && channel.try_read().text() == "all");
    moved.commit(error);
    expect(error == IPC_ERR_INVALID_ARGUMENT);
    moved = channel.reserve(8);
    moved = Reservation(); // gives it back
    expect(channel.try_read().status() == IPC_EMPTY);
    moved.abort();
    moved.abort();
}

// What happens in a forked child: it ends there, with its failures' count.
template <class Work> bool child_is_well(Work work)
{
    const pid_t child = fork();
    int status = -1;

    if (child == 0) {
        const int before = cpp_test::failures;

        work();
        _exit(cpp_test::failures != before);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

void a_childs_copy_of_a_reservation_gives_nothing_back()
{
    shmipc::Segment segment =
        shmipc::Segment::open(cpp_test::new_name().c_str(), 65536);
    Channel channel = Channel::create(segment);
    Reservation space = channel.reserve(4);

    segment.unlink_at_end();
    expect(child_is_well([&] {
        expect_error(IPC_ERR_ILLEGAL_STATE, space.commit());
        space.abort();
    }));
    std::memcpy(space.data(), "kept", 4);
    space.commit();
    expect(channel.read().text() == "kept");
}

const cpp_test::Case cases[] = {
    {"an entry is consumed when its guard goes",
     an_entry_is_consumed_when_its_guard_goes},
    {"an entry can be left, also by an exception", an_entry_can_be_left},
    {"an entry is consumed by a guard that was made during unwinding",
     an_entry_is_consumed_by_a_guard_that_was_made_during_unwinding},
    {"take says whose an entry was", take_says_whose_an_entry_was},
    {"a reservation is committed or given back",
     a_reservation_is_committed_or_given_back},
    {"a child's copy of a reservation gives nothing back",
     a_childs_copy_of_a_reservation_gives_nothing_back},
};

} // namespace

int main()
{
    return cpp_test::run_all(cases);
}
