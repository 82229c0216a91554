// SPDX-License-Identifier: MIT
//
// C++: a service with three clients, as service.c has it. Here all of them are
// threads; in processes it would be the same.
//
//     c++ -std=c++17 service.cpp $(pkg-config --cflags --libs shmipc)
#include <shmipc/ipc.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;

namespace
{

constexpr int clients = 3;
constexpr int calls = 1000;

// Until somebody closes the service.
void serve(shmipc::Service &service)
{
    while (auto request = service.receive()) {
        const std::string symbol(request.text());
        const auto price = static_cast<double>(symbol.size());

        request.answer({&price, sizeof price});
    }
}

// How many calls got what they asked for.
int ask(const std::string &name)
{
    auto client = shmipc::Client::open(name.c_str());
    int good = 0;

    for (int i = 0; i < calls; i++) {
        const auto answer = client.call_for("ACME", 20s);

        good += answer.as<double>().value_or(0) >= 4;
    }
    return good;
}

int run()
{
    const std::string name = "/shmipc-cpp-quotes-" + std::to_string(getpid());
    auto service = shmipc::Service::open(name.c_str());
    std::vector<std::thread> asking;
    std::atomic<int> good{0};

    std::thread serving([&] { serve(service); });
    for (int i = 0; i < clients; i++)
        asking.emplace_back([&] { good += ask(name); });
    for (auto &one : asking)
        one.join();
    service.close();
    serving.join();
    std::cout << clients << " clients, " << good << " answers\n";
    return good != clients * calls;
}

} // namespace

int main()
try {
    return run();
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
