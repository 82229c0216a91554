// SPDX-License-Identifier: MIT
//
// Market data in C++: a feed, and three threads that read every tick of it,
// each with a handle of its own, which is what subscribes.
//
//     c++ -std=c++17 market_data.cpp $(pkg-config --cflags --libs shmipc)
#include <shmipc/ipc.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace
{

constexpr unsigned ticks = 20000;
constexpr int readers = 3;

struct Tick {
    unsigned number; // from 1 on
    double price;
};

shmipc::Channel open_channel(const std::string &name)
{
    auto options = shmipc::open_options();

    options.size = 16384;
    options.configuration.flags = IPC_BUFFER_BROADCAST;
    return shmipc::Channel::open(name.c_str(), &options);
}

// How many ticks came, each one after the one before.
unsigned read_ticks(shmipc::Channel channel)
{
    shmipc::TypedChannel<Tick> feed(std::move(channel));
    unsigned count = 0;

    while (auto tick = feed.read()) // until it is closed
        if (tick->number == count + 1)
            count++;
    return count;
}

int run(const std::string &name)
{
    auto feed = open_channel(name);
    std::vector<std::thread> threads;
    std::vector<unsigned> counts(readers);
    int failures = 0;

    for (unsigned &count : counts) {
        auto channel = open_channel(name);

        channel.subscribe(); // before the first tick is written
        threads.emplace_back([&count, c = std::move(channel)]() mutable {
            count = read_ticks(std::move(c));
        });
    }
    for (unsigned i = 1; i <= ticks; i++) {
        const Tick tick{i, 100 + i * 0.01};

        feed.write({&tick, sizeof tick});
    }
    feed.close();
    for (std::thread &thread : threads)
        thread.join();
    for (unsigned count : counts)
        failures += count != ticks;
    std::printf("%d of %d readers missed ticks\n", failures, readers);
    return failures;
}

} // namespace

int main()
{
    const std::string name = "/market-data-cpp-" + std::to_string(getpid());

    try {
        const int failures = run(name);

        shmipc::Channel::unlink(name.c_str());
        return failures;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
