/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++17 and later: classes around the C interface, in headers
 * alone; there is nothing more to link than the library.
 *
 *     #include <shmipc/ipc.hpp>
 *
 *     auto channel = shmipc::Channel::open("/prices"); // creates or joins
 *     channel.write("hello");
 *     ...
 *     while (auto message = channel.read()) // until it is closed
 *         std::cout << message.text() << '\n';
 *
 * | class              | is                                    | header      |
 * |--------------------|---------------------------------------|-------------|
 * | Channel            | a handle; its head has a table of the | channel.hpp |
 * |                    | reads and writes                      |             |
 * | TypedChannel<T>    | one whose entries are all Ts          | typed.hpp   |
 * | Message, Result<T> | what was read, or why nothing was     | bytes.hpp   |
 * | Entry, Reservation | guards for reading and writing in     | in_place.hpp|
 * |                    | place                                 |             |
 * | HeldEntry          | a guard for reading ahead of what is  | held.hpp    |
 * |                    | acknowledged                          |             |
 * | Segment            | named memory                          | segment.hpp |
 * | SharedChannel      | one that came over a socket           | shared.hpp  |
 * | Subscribers        | broadcast: subscribe() of channels    | subscribe.  |
 * |                    | and buffers, and who has              | hpp         |
 * | WaitSet            | many channels, waited for by one      | waitset.hpp |
 * |                    | thread                                |             |
 * | Service, Request   | who answers                           | service.hpp |
 * | Client, Answer     | who asks                              | client.hpp  |
 * | Tap                | sees what goes through, takes nothing | tap.hpp     |
 * | Buffer             | the ring that never waits             | buffer.hpp  |
 * | Error, category()  | how errors are told: each call has a  | error.hpp   |
 * |                    | form that throws and one that takes a |             |
 * |                    | std::error_code &                     |             |
 * | Timeout            | any std::chrono::duration             | timeout.hpp |
 *
 * Everything that owns is move only, and gives back what it owns when it goes;
 * its get() is for the C calls that have no member here. What ipc_channel.h and
 * ipc_buffer.h say of memory, order, death, threads and processes holds.
 *
 * Not part of shmipc.h. Compiles with -fno-exceptions and -fno-rtti.
 */
#ifndef SHMIPC_IPC_HPP
#define SHMIPC_IPC_HPP

#if __cplusplus < 201703L
#error "shmipc/ipc.hpp needs C++17; shmipc/shmipc.h can be used from C++11 on"
#endif

#include <shmipc/cpp/buffer.hpp>
#include <shmipc/cpp/bytes.hpp>
#include <shmipc/cpp/channel.hpp>
#include <shmipc/cpp/client.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/cpp/held.hpp>
#include <shmipc/cpp/in_place.hpp>
#include <shmipc/cpp/segment.hpp>
#include <shmipc/cpp/service.hpp>
#include <shmipc/cpp/shared.hpp>
#include <shmipc/cpp/subscribe.hpp>
#include <shmipc/cpp/tap.hpp>
#include <shmipc/cpp/timeout.hpp>
#include <shmipc/cpp/typed.hpp>
#include <shmipc/cpp/waitset.hpp>

#endif
