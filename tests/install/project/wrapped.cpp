// SPDX-License-Identifier: MIT
//
// A C++ program of somebody else's project that uses the classes: a thread
// writes, another reads. Its argument is the version that pkg-config tells.
#include <shmipc/ipc.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

namespace
{

struct Reading {
    int sequence;
    double value;
};

constexpr int count = 1000;

using Readings = shmipc::TypedChannel<Reading>;

void write_all(Readings readings)
{
    for (int i = 0; i < count; i++)
        readings.write({i, i * 0.5});
    readings.close();
}

int read_all(Readings readings)
{
    int expected = 0;

    while (const auto reading = readings.read()) {
        if (reading->sequence != expected || reading->value != expected * 0.5)
            return 1;
        expected++;
    }
    return expected != count;
}

int run()
{
    std::vector<unsigned char> memory(ipc_channel_align_size(512));
    Readings readings(shmipc::Channel::create(memory));
    std::thread writer(write_all, Readings(shmipc::Channel::connect(memory)));
    const int result = read_all(std::move(readings));

    writer.join();
    return result;
}

} // namespace

int main(int argc, char **argv)
try {
    if (argc != 2 || std::string(argv[1]) != ipc_version())
        return 2;
    return run();
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
}
