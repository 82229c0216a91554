// SPDX-License-Identifier: MIT
//
// Services and clients: each call in both its forms, and what moves and goes.
#include "cpp_test.hpp"

#include <cstring>
#include <string>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;

namespace
{

std::string name()
{
    static const std::string once = cpp_test::new_name();

    return once;
}

void a_call_is_answered()
{
    auto service = shmipc::Service::open(name().c_str());
    auto client = shmipc::Client::open(name().c_str());
    std::thread server([&] {
        while (auto request = service.receive())
            expect(request.answer(std::string(request.text()) + "!") == IPC_OK);
    });

    expect(client.call("one").text() == "one!");
    expect(client.call_for("two", 20s).text() == "two!");
    const auto call = client.send_for("three", 20s);
    const auto answer = client.collect(call);
    expect(answer && answer.call() == call && answer.size() == 6);
    expect(std::memcmp(answer.data(), "three!", 6) == 0);
    service.close();
    server.join();
    expect(service.stats().answered == 3);
}

void both_forms_mean_the_same()
{
    std::error_code error;
    auto service = shmipc::Service::open(name().c_str(), error);
    auto client = shmipc::Client::open(name().c_str(), error);

    expect(service && client && !error);
    expect(!service.try_receive(error) && !error);
    expect(!service.try_receive() && !service.receive_for(1ms));
    const auto first = client.send("a", error);
    const auto second = client.send_for("bb", 20s, error);
    expect(!error);
    expect(client.collect_for(first, 0s, error).status() == IPC_EMPTY);
    expect(client.collect_for(first, 1ms).status() == IPC_EMPTY);
    expect(client.collect_any_for(0s).status() == IPC_EMPTY);
    auto one = service.receive(error);
    auto two = service.receive_for(20s, error);
    expect(one.text() == "a" && two.size() == 2 && two.is_wanted());
    expect(two.answer("2") == IPC_OK && !two);
    expect(two.answer("2") == IPC_ERR_INVALID_ARGUMENT);
    auto answer = client.collect_any(error);
    expect(answer.call() == second && answer.as<char>().value_or('x') == '2');
    expect(!answer.as<int>());
    one.refuse();
    one.refuse();
    answer = client.collect(first, error);
    expect(!answer && !error && answer.status() == IPC_ERR_CANCELLED);
    expect(client.collect_any().status() == IPC_EMPTY);
    expect(client.call_for("late", 1ms, error).status() == IPC_ERR_TIMEOUT);
    expect(service.fd(error) >= 0 && client.fd(error) >= 0 && !error);
    expect(service.stats(error).clients == 1 && !error);
    service.close(error);
    expect(service.receive().status() == IPC_ERR_CLOSED && !error);
}

void a_request_that_goes_is_refused()
{
    auto service = shmipc::Service::open(name().c_str());
    auto client = shmipc::Client::open(name().c_str());
    const auto call = client.send("x");
    {
        auto request = service.receive();
        auto moved = std::move(request);

        expect(moved && !request);
        expect(client.collect_for(call, 0s).status() == IPC_EMPTY);
        request = std::move(moved);
        expect(request && !moved);
    }
    expect(client.collect(call).status() == IPC_ERR_CANCELLED);
    auto released = client.send("y");
    auto *raw = service.receive().release();
    expect(client.collect_for(released, 0s).status() == IPC_EMPTY);
    expect(ipc_service_answer(service.get(), raw, "z", 1).ipc_status == IPC_OK);
    expect(client.collect(released).text() == "z");
}

void waits_are_interrupted_and_calls_cancelled()
{
    auto service = shmipc::Service::open(name().c_str());
    auto client = shmipc::Client::open(name().c_str());
    std::error_code error;

    service.interrupt();
    expect(service.receive().status() == IPC_ERR_INTERRUPTED);
    const auto call = client.send("x");
    client.interrupt();
    const auto answer = client.collect(call);
    expect(answer.status() == IPC_ERR_INTERRUPTED && answer.call() == call);
    client.cancel(call);
    expect_error(IPC_ERR_INVALID_ARGUMENT, client.cancel(call));
    client.cancel(call, error);
    expect(error == IPC_ERR_INVALID_ARGUMENT);
}

void what_cannot_be_meant_is_an_error()
{
    auto options = shmipc::client_options();
    auto serving = shmipc::service_options();
    std::error_code error;

    options.timeout_ns = 1000000;
    expect_error(IPC_ERR_NOT_FOUND,
                 shmipc::Client::open(name().c_str(), &options));
    expect(!shmipc::Client::open(name().c_str(), &options, error));
    expect(error == std::errc::no_such_file_or_directory);
    serving.flags = IPC_OPEN_MEMFD;
    expect_error(IPC_ERR_INVALID_ARGUMENT,
                 shmipc::Service::open(name().c_str(), &serving));
    expect_error(IPC_ERR_INVALID_ARGUMENT, shmipc::Service().receive());
    expect_error(IPC_ERR_INVALID_ARGUMENT, shmipc::Service().close());
    expect_error(IPC_ERR_INVALID_ARGUMENT, shmipc::Service().fd());
    expect_error(IPC_ERR_INVALID_ARGUMENT, shmipc::Service().stats());
    expect_error(IPC_ERR_INVALID_ARGUMENT, shmipc::Client().call("x"));
    expect_error(IPC_ERR_INVALID_ARGUMENT, shmipc::Client().send("x"));
    expect_error(IPC_ERR_INVALID_ARGUMENT, shmipc::Client().collect(1));
    expect_error(IPC_ERR_INVALID_ARGUMENT, shmipc::Client().collect_any());
    expect_error(IPC_ERR_INVALID_ARGUMENT, shmipc::Client().fd());
    expect(shmipc::Request().answer("x") == IPC_ERR_INVALID_ARGUMENT);
    expect(!shmipc::Request().is_wanted() && !shmipc::Answer());
    shmipc::Service().interrupt();
    shmipc::Client().interrupt();
}

void handles_are_taken_over_and_given_up()
{
    shmipc::Service service(ipc_service_open(name().c_str(), nullptr).result);
    shmipc::Client client(ipc_client_open(name().c_str(), nullptr).result);
    auto *raw = client.release();

    expect(raw != nullptr && !client && client.get() == nullptr);
    expect(ipc_client_destroy(raw).ipc_status == IPC_OK);
    auto *serving = service.release();
    expect(!service && ipc_service_destroy(serving).ipc_status == IPC_OK);
}

} // namespace

int main()
{
    const cpp_test::Case cases[] = {
        {"a call is answered", a_call_is_answered},
        {"both forms mean the same", both_forms_mean_the_same},
        {"a request that goes is refused", a_request_that_goes_is_refused},
        {"waits are interrupted and calls cancelled",
         waits_are_interrupted_and_calls_cancelled},
        {"what cannot be meant is an error", what_cannot_be_meant_is_an_error},
        {"handles are taken over and given up",
         handles_are_taken_over_and_given_up},
    };

    return cpp_test::run_all(cases);
}
