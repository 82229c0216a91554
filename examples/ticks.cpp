// SPDX-License-Identifier: MIT
//
// C++: a typed channel by its name. A thread writes ticks, another process
// would do it the same way; main reads them, some by copy, some in place.
// Errors are exceptions here; every call has a form with a std::error_code,
// too.
//
//     c++ -std=c++17 ticks.cpp $(pkg-config --cflags --libs shmipc)
#include <shmipc/ipc.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;

namespace
{

// What goes through shared memory is bytes: no pointers, nothing that owns.
struct Tick {
    int number;
    double price;
};

using Ticks = shmipc::TypedChannel<Tick>;

constexpr int count = 10000;

void write_all(const std::string &name)
{
    Ticks ticks(shmipc::Channel::open(name.c_str()));

    for (int i = 0; i < count; i++) {
        if (i % 2 == 0) {
            ticks.write({i, i * 0.25}); // waits for space
            continue;
        }
        auto tick = ticks.reserve(); // in place; given back if not committed
        tick->number = i;
        tick->price = i * 0.25;
        tick.commit();
    }
    ticks.close();
}

// Ends when the channel is closed and read.
double read_all(Ticks &ticks)
{
    double sum = 0;

    for (;;) {
        if (const auto tick = ticks.read_for(10s))
            sum += tick->price;
        else if (tick.status() == IPC_ERR_CLOSED)
            return sum;
        else
            throw std::runtime_error("nothing came for ten seconds");

        // In place. Others may read from this channel too, so what was seen
        // counts only if take() says that the entry was ours.
        if (auto tick = ticks.peek_for(10s)) {
            const double price = tick->price;
            if (tick.take())
                sum += price;
        }
    }
}

// Runs `work`, and closes the channel if it fails, so that the other side ends
// as well; what was thrown, or nothing.
template <class Work> std::exception_ptr attempt(Ticks &ticks, const Work &work)
try {
    work();
    return nullptr;
} catch (...) {
    std::error_code ignored;

    ticks.close(ignored);
    return std::current_exception();
}

void run()
{
    const std::string name = "/shmipc-ticks-" + std::to_string(getpid());
    Ticks ticks(shmipc::Channel::open(name.c_str()));
    std::exception_ptr trouble;
    double sum = 0;

    std::thread writer(
        [&] { trouble = attempt(ticks, [&] { write_all(name); }); });
    const auto mine = attempt(ticks, [&] { sum = read_all(ticks); });

    writer.join();
    shmipc::Channel::unlink(name.c_str());
    // The writer's may only be that the reader has closed the channel.
    for (const auto &thrown : {mine, trouble})
        if (thrown)
            std::rethrow_exception(thrown);
    std::cout << "The sum of all prices is " << sum << '\n';
}

} // namespace

int main()
try {
    run();
    return 0;
} catch (const std::exception &error) {
    // What the library says: what was wrong, and what to do.
    std::cerr << error.what() << '\n';
    return 1;
}
