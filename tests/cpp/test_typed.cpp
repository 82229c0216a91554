// SPDX-License-Identifier: MIT
//
// Channels of one type.
#include "cpp_test.hpp"

#include <array>
#include <cstdint>
#include <thread>
#include <type_traits>

using namespace std::chrono_literals;
using shmipc::Channel;
using shmipc::TypedChannel;

namespace
{

struct Tick {
    int id;
    double price;
};

// No default constructor.
class Reading
{
  public:
    explicit Reading(int value) : value_(value)
    {
    }

    int value() const
    {
        return value_;
    }

  private:
    int value_;
};

struct alignas(16) Wide {
    std::uint64_t low, high;
};

struct alignas(64) Line {
    unsigned char bytes[64];
};

static_assert(!std::is_copy_constructible_v<TypedChannel<Tick>>);
static_assert(std::is_nothrow_move_constructible_v<TypedChannel<Tick>>);
static_assert(!std::is_copy_constructible_v<shmipc::TypedEntry<Tick>>);
static_assert(!std::is_copy_constructible_v<shmipc::TypedReservation<Tick>>);
static_assert(std::is_nothrow_move_assignable_v<shmipc::TypedEntry<Tick>>);
static_assert(
    std::is_nothrow_move_assignable_v<shmipc::TypedReservation<Tick>>);

alignas(64) std::array<unsigned char, 8192> memory;

template <class T> TypedChannel<T> anew()
{
    return TypedChannel<T>(Channel::create(memory));
}

void values_come_as_they_went()
{
    auto ticks = anew<Tick>();
    std::error_code error = IPC_ERR_LOCKED;

    expect(ticks);
    expect(ticks.try_write({1, 1.5}));
    ticks.write({2, 2.5});
    expect(ticks.write_for({3, 3.5}, 1s));
    expect(ticks.try_write({4, 4.5}, error) && !error);
    expect(ticks.try_read()->price == 1.5);
    expect((*ticks.read()).id == 2);
    expect(ticks.read_for(1s)->id == 3);
    const auto last = ticks.read(error);
    expect(last.has_value() && last->price == 4.5 && !error);
    expect(ticks.try_read().status() == IPC_EMPTY);
    expect(!ticks.read_for(1ms) &&
           ticks.read_for(1ms).status() == IPC_ERR_TIMEOUT);
    expect(ticks.read_for(1ms).value_or(Tick{9, 9.5}).id == 9);
    ticks.close();
    expect(ticks.read().status() == IPC_ERR_CLOSED);
    expect_error(IPC_ERR_CLOSED, ticks.write({5, 5.5}));
    ticks.write({5, 5.5}, error);
    expect(error == IPC_ERR_CLOSED);
}

void a_type_needs_no_default_constructor()
{
    auto readings = anew<Reading>();

    readings.write(Reading(7));
    expect(readings.read()->value() == 7);
    readings.write(Reading(8));
    expect(readings.peek()->value() == 8);
}

// Larger and smaller ones, and none is consumed.
template <class Other> void mismatch_stays(const Other &other)
{
    auto ticks = anew<Tick>();
    std::error_code error;
    std::uint64_t required = 0;

    ticks.channel().write({&other, sizeof other});
    expect_error(IPC_ERR_SIZE_MISMATCH, ticks.try_read());
    expect_error(IPC_ERR_SIZE_MISMATCH, ticks.read_for(1s));
    expect_error(IPC_ERR_SIZE_MISMATCH, ticks.peek_for(1s));
    expect(!ticks.read_for(1s, error) && error == IPC_ERR_SIZE_MISMATCH);
    expect(!ticks.try_peek(error) && error == IPC_ERR_SIZE_MISMATCH);
    expect(ticks.peek_for(1s, error).status() == IPC_ERR_SIZE_MISMATCH);
    try {
        static_cast<void>(ticks.peek_for(1s));
    } catch (const shmipc::Error &caught) {
        required = caught.required_size();
    }
    expect(required == sizeof other);
    expect(ticks.channel().try_read().size() == sizeof other);
    ticks.write({1, 1.5});
    expect(ticks.read_for(1s, error)->id == 1 && !error);
}

void an_entry_of_another_size_stays()
{
    mismatch_stays(Line());
    mismatch_stays('x');
}

void values_are_read_in_place()
{
    auto ticks = anew<Tick>();
    std::error_code error = IPC_ERR_LOCKED;

    ticks.write({1, 1.5});
    ticks.write({2, 2.5});
    ticks.write({3, 3.5});
    {
        auto tick = ticks.peek();
        expect(tick && tick->id == 1 && (*tick).price == 1.5);
        expect(tick.status() == IPC_OK && tick.get() != nullptr);
        auto moved = std::move(tick);
        expect(!tick && moved->id == 1); // NOLINT: after the move
        expect(moved.take() && !moved && moved.get() == nullptr);
    }
    {
        auto tick = ticks.try_peek(error);
        expect(tick->id == 2 && !error);
        tick.leave();
    }
    expect(ticks.peek()->id == 2);
    expect(ticks.peek_for(1s)->id == 3);
    expect(!ticks.try_peek() && ticks.try_peek().status() == IPC_EMPTY);
    // What the peek said in the error code stays there.
    ticks.channel() = Channel();
    expect(!ticks.try_peek(error) && error == IPC_ERR_INVALID_ARGUMENT);
}

void values_are_written_in_place()
{
    auto ticks = anew<Tick>();
    std::error_code error = IPC_ERR_LOCKED;

    {
        auto tick = ticks.reserve();
        tick->id = 1;
        (*tick).price = 1.5;
        tick.commit();
        expect(!tick && tick.get() == nullptr);
    }
    {
        auto given_back = ticks.try_reserve();
        given_back->id = 2;
    }
    {
        auto tick = ticks.reserve_for(1s, error);
        auto moved = std::move(tick);
        expect(!tick && moved); // NOLINT: after the move
        *moved = Tick{3, 3.5};
        moved.commit(error);
        expect(!error && !moved);
        moved.commit(error);
        expect(error == IPC_ERR_INVALID_ARGUMENT);
    }
    {
        auto tick = ticks.reserve();
        tick.abort();
        expect(!tick);
    }
    expect(ticks.read()->id == 1 && ticks.read()->id == 3);
    expect(ticks.try_read().status() == IPC_EMPTY);
    while (ticks.try_write({0, 0}))
        continue;
    expect(ticks.try_reserve().status() == IPC_ERR_NO_SPACE_CONTIGUOUS);
    expect(ticks.try_reserve(error).status() == IPC_ERR_NO_SPACE_CONTIGUOUS);
    expect(!error);
}

void many_values_by_one_call()
{
    auto ticks = anew<Tick>();
    std::array<Tick, 10> some;
    std::error_code error;

    for (int i = 0; i < 10; i++)
        some[static_cast<std::size_t>(i)] = {i, i + 0.5};
    expect(ticks.try_write_some(some.data(), some.size()) == 10);
    expect(ticks.read()->id == 0);
    some.fill({});
    auto count = ticks.try_read_some(some.data(), 5);
    expect(count && *count == 5 && some[4].id == 5);
    count = ticks.read_some(some.data(), some.size());
    expect(count && *count == 4 && some[3].price == 9.5);
    count = ticks.read_some_for(some.data(), some.size(), 1ms, error);
    expect(!count && count.status() == IPC_ERR_TIMEOUT && !error);
    expect_error(IPC_ERR_INVALID_ARGUMENT,
                 ticks.try_write_some(some.data(), 0));
    std::size_t written = 0;
    for (std::size_t n; (n = ticks.try_write_some(some.data(), 10)) > 0;)
        written += n;
    expect(written > 100);
    expect(ticks.try_write_some(some.data(), 1, error) == 0 && !error);
}

// How they were written does not matter.
template <class T> void is_aligned_in_place()
{
    auto values = anew<T>();
    std::array<T, 20> some{};
    unsigned long seen = 0;

    expect(values.try_write_some(some.data(), 20) == 20);
    values.write(some[0]);
    while (const auto value = values.try_peek()) {
        expect(reinterpret_cast<std::uintptr_t>(value.get()) % alignof(T) == 0);
        seen++;
    }
    expect(seen == 21);
}

void values_are_aligned_in_place()
{
    is_aligned_in_place<char>();
    is_aligned_in_place<std::uint32_t>();
    is_aligned_in_place<std::array<char, 3>>();
    is_aligned_in_place<std::array<std::uint32_t, 3>>();
    is_aligned_in_place<Tick>();
    is_aligned_in_place<Wide>();
    is_aligned_in_place<std::array<Wide, 3>>();
    is_aligned_in_place<Line>();
}

void threads()
{
    auto ticks = anew<Tick>();
    TypedChannel<Tick> writer(Channel::connect(memory));
    int expected = 0;

    std::thread thread([&writer] {
        for (int i = 0; i < 5000; i++) {
            auto tick = writer.reserve();
            *tick = {i, i * 0.5};
            tick.commit();
        }
        writer.close();
    });
    while (const auto tick = ticks.read()) {
        expect(tick->id == expected && tick->price == expected * 0.5);
        expected++;
    }
    thread.join();
    expect(expected == 5000);
}

const cpp_test::Case cases[] = {
    {"values come as they went", values_come_as_they_went},
    {"a type needs no default constructor",
     a_type_needs_no_default_constructor},
    {"an entry of another size stays", an_entry_of_another_size_stays},
    {"values are read in place", values_are_read_in_place},
    {"values are written in place", values_are_written_in_place},
    {"many values by one call", many_values_by_one_call},
    {"values are aligned in place", values_are_aligned_in_place},
    {"threads", threads},
};

} // namespace

int main()
{
    return cpp_test::run_all(cases);
}
