// SPDX-License-Identifier: MIT
//
// A work queue in C++: two worker processes share the jobs of a channel. A job
// is acknowledged when its guard goes; the worker that is killed in the middle
// of one leaves it to the other, who is told that it may have been begun.
//
//     c++ -std=c++17 work_queue.cpp $(pkg-config --cflags --libs shmipc)
#include <shmipc/ipc.hpp>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

constexpr int workers = 2;
constexpr int jobs = 1000;
constexpr int deadly_job = 500;

shmipc::Channel open_channel(const std::string &name)
{
    auto options = shmipc::open_options();

    options.configuration.flags = IPC_BUFFER_ACKNOWLEDGE;
    return shmipc::Channel::open(name.c_str(), &options);
}

// In a process of its own. What is done is answered by a second channel.
int work(const std::string &name)
{
    auto queue = open_channel(name);
    auto done = shmipc::Channel::open((name + "-done").c_str());

    while (auto job = queue.read_ahead()) { // until it is closed, and empty
        int number;

        std::memcpy(&number, job.data(), sizeof number);
        if (number == deadly_job && !job.again())
            std::raise(SIGKILL);
        done.write({&number, sizeof number});
    }
    return 0;
}

int run(const std::string &name)
{
    auto queue = open_channel(name);
    auto done = shmipc::Channel::open((name + "-done").c_str());
    long sum = 0;
    int killed = 0;

    for (int i = 0; i < workers; i++)
        if (fork() == 0)
            _exit(work(name));
    for (int job = 0; job < jobs; job++)
        queue.write({&job, sizeof job});
    queue.close();
    for (int i = 0; i < jobs; i++) {
        int number = 0;

        if (done.read_into({&number, sizeof number}))
            sum += number;
    }
    for (int status; wait(&status) > 0;)
        killed += WIFSIGNALED(status);
    std::printf("%d jobs done, %d worker killed\n", jobs, killed);
    return sum != long{jobs} * (jobs - 1) / 2 || killed != 1;
}

} // namespace

int main()
{
    const std::string name = "/work-queue-cpp-" + std::to_string(getpid());

    try {
        const int failed = run(name);

        shmipc::Channel::unlink(name.c_str());
        shmipc::Channel::unlink((name + "-done").c_str());
        return failed;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
