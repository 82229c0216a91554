// SPDX-License-Identifier: MIT
//
// A look at a channel of two strangers, in C++: two threads send and receive
// quotes, and a third taps the channel by its name. It takes nothing, and says
// how many went by and what it missed.
//
//     c++ -std=c++17 tap.cpp $(pkg-config --cflags --libs shmipc)
#include <shmipc/ipc.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <thread>
#include <unistd.h>

namespace
{

constexpr std::uint64_t quotes = 20000;

struct Quote {
    std::uint64_t number;
    double price;
};

shmipc::Channel open_channel(const std::string &name)
{
    auto options = shmipc::open_options();

    // Taps miss nothing then that is still there.
    options.configuration.flags = IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_TAPS;
    return shmipc::Channel::open(name.c_str(), &options);
}

void send(shmipc::Channel channel)
{
    for (std::uint64_t i = 0; i < quotes; i++) {
        const Quote quote{i, 100.0 + double(i % 7)};

        channel.write({&quote, sizeof quote});
    }
    channel.close();
}

void receive(shmipc::Channel channel, std::uint64_t &count)
{
    Quote quote;

    while (channel.read_into({&quote, sizeof quote})) // until it is closed
        count += quote.number == count;
}

// Knows no more than the name, and needs no more than to read it. What it saw
// and missed are all quotes.
std::uint64_t look_on(shmipc::Tap tap)
{
    std::uint64_t seen = 0, missed = tap.stats().offset;
    Quote quote;

    for (;;) {
        const auto next =
            tap.read_into_for({&quote, sizeof quote}, std::chrono::seconds(20));

        if (next)
            seen++;
        else if (next.status() == IPC_ERR_LAGGED)
            missed += next.lost();
        else if (next.status() != IPC_ERR_NOT_READY)
            break; // closed
    }
    missed /= IPC_BUFFER_BLOCK_SIZE;
    std::printf("looked on: %llu seen, %llu missed\n",
                static_cast<unsigned long long>(seen),
                static_cast<unsigned long long>(missed));
    return seen + missed;
}

int run(const std::string &name)
{
    auto sender = open_channel(name), receiver = open_channel(name);
    auto tap = shmipc::Tap::open(name.c_str());
    std::uint64_t received = 0;
    std::thread to(receive, std::move(receiver), std::ref(received));
    std::thread from(send, std::move(sender));
    const std::uint64_t told = look_on(std::move(tap));

    from.join();
    to.join();
    std::printf("received %llu\n", static_cast<unsigned long long>(received));
    return received != quotes || told != quotes;
}

} // namespace

int main()
{
    const std::string name = "/tap-cpp-" + std::to_string(getpid());

    try {
        const int failed = run(name);

        shmipc::Channel::unlink(name.c_str());
        return failed;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
