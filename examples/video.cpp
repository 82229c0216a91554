// SPDX-License-Identifier: MIT
//
// Video in C++, latest frame wins: a camera that waits for nobody, and a viewer
// that works for 100 ms on each frame that it gets, in place.
//
//     c++ -std=c++17 video.cpp $(pkg-config --cflags --libs shmipc)
#include <shmipc/ipc.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <unistd.h>

namespace
{

using namespace std::chrono_literals;

constexpr std::size_t frame_size = 6 << 20;
constexpr std::size_t words = frame_size / sizeof(std::uint64_t);
constexpr std::uint64_t frames = 60;

shmipc::Channel open_channel(const std::string &name)
{
    auto options = shmipc::open_options();

    options.size = 4 * frame_size + (2 << 20);
    options.configuration.flags = IPC_BUFFER_BROADCAST;
    return shmipc::Channel::open(name.c_str(), &options);
}

// Every word of a frame is its number.
bool is_whole(const std::uint64_t *frame)
{
    return std::all_of(frame, frame + words,
                       [frame](std::uint64_t word) { return word == *frame; });
}

// How many frames were torn, or not the last one seen.
int view(shmipc::Channel channel)
{
    std::uint64_t last = 0;
    int seen = 0, torn = 0;

    while (auto frame = channel.pin_newest()) { // until it is closed
        const auto *at = reinterpret_cast<const std::uint64_t *>(frame.data());

        std::this_thread::sleep_for(100ms); // it stays as it is meanwhile
        torn += !is_whole(at);
        last = *at;
        seen++;
    }
    std::printf("%d frames seen, %d torn\n", seen, torn);
    return torn + (last != frames);
}

// How many frames there was no space for.
int record(shmipc::Channel &channel)
{
    int refused = 0;

    for (std::uint64_t number = 1; number <= frames; number++) {
        if (auto place = channel.try_reserve(frame_size)) {
            auto *at = reinterpret_cast<std::uint64_t *>(place.data());

            std::fill(at, at + words, number);
            place.commit(frame_size);
        } else {
            refused++;
        }
        std::this_thread::sleep_for(16ms);
    }
    return refused;
}

int run(const std::string &name)
{
    auto camera = open_channel(name);
    auto viewer = open_channel(name);
    int failures = 0;

    viewer.subscribe(shmipc::lagging_subscription());
    std::thread thread([&failures, c = std::move(viewer)]() mutable {
        failures = view(std::move(c));
    });
    const int refused = record(camera);

    camera.close();
    thread.join();
    std::printf("%d of %d frames were refused\n", refused,
                static_cast<int>(frames));
    return failures + refused;
}

} // namespace

int main()
{
    const std::string name = "/video-cpp-" + std::to_string(getpid());

    try {
        const int failures = run(name);

        shmipc::Channel::unlink(name.c_str());
        return failures;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
