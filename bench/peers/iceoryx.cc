// SPDX-License-Identifier: MIT
//
// iceoryx: a publisher and a subscriber that makes it wait. Its daemon is
// started before a run and stopped after it.
#include "loops.h"
#include "transports.h"
#include <fcntl.h>
#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#include <new>
#include <signal.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace
{

constexpr int longest_wait_ms = 5000;

struct daemon {
    pid_t pid;
};

void sleep_ms(long ms)
{
    const timespec span = {0, ms * 1000000};

    nanosleep(&span, nullptr);
}

// ----------------------------------------------------------------- daemon

[[noreturn]] void be_daemon()
{
    const int nowhere = open("/dev/null", O_RDWR);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execlp("iox-roudi", "iox-roudi", "--monitoring-mode", "off", "--log-level",
           "off", static_cast<char *>(nullptr));
    _exit(1);
}

// One daemon serves both links of a ping-pong.
int topic_open(struct link *link)
{
    static daemon theirs;

    link->state = nullptr;
    if (link->number > 0)
        return 0;
    theirs.pid = fork();
    if (theirs.pid == 0)
        be_daemon();
    link->state = &theirs;
    return theirs.pid > 0 ? 0 : -1;
}

void topic_close(struct link *link)
{
    const auto *theirs = static_cast<const daemon *>(link->state);

    if (!theirs)
        return;
    kill(theirs->pid, SIGTERM);
    waitpid(theirs->pid, nullptr, 0);
}

// ------------------------------------------------------------------- ends

using iox::capro::IdString_t;

struct end {
    iox::popo::UntypedPublisher *publisher;
    iox::popo::UntypedSubscriber *subscriber;
    void *loaned;
    const void *taken;
};

iox::capro::ServiceDescription topic(const struct link *link)
{
    return {IdString_t("bench"), IdString_t("messages"),
            IdString_t(iox::cxx::TruncateToCapacity, link->name)};
}

void join_sender(end *made, const struct link *link)
{
    iox::popo::PublisherOptions options;

    options.subscriberTooSlowPolicy =
        iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
    made->publisher = new iox::popo::UntypedPublisher(topic(link), options);
    for (int ms = 0; ms < longest_wait_ms && !made->publisher->hasSubscribers();
         ms++)
        sleep_ms(1);
}

void join_receiver(end *made, const struct link *link)
{
    iox::popo::SubscriberOptions options;
    const size_t room = link->load->memory / link->load->size;

    if (room < options.queueCapacity) // which is the most that there can be
        options.queueCapacity = room;
    options.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
    made->subscriber = new iox::popo::UntypedSubscriber(topic(link), options);
}

int topic_join(struct link *link, enum side side, unsigned)
{
    static bool known;
    end *made = new (std::nothrow) end();
    const std::string name = link->name + std::to_string(getpid());

    if (!made)
        return -1;
    if (!known) {
        iox::log::LogManager::GetLogManager().SetDefaultLogLevel(
            iox::log::LogLevel::kOff, iox::log::LogLevelOutput::kHideLogLevel);
        iox::runtime::PoshRuntime::initRuntime(
            iox::RuntimeName_t(iox::cxx::TruncateToCapacity, name));
    }
    known = true;
    link->state = made;
    if (side == SIDE_SEND)
        join_sender(made, link);
    else
        join_receiver(made, link);
    return 0;
}

void topic_leave(struct link *link, enum side)
{
    end *mine = static_cast<end *>(link->state);

    delete mine->publisher;
    delete mine->subscriber;
    delete mine;
}

// ------------------------------------------------------------------ calls

inline void *topic_reserve(struct link *to, size_t size)
{
    end *mine = static_cast<end *>(to->state);

    mine->loaned = nullptr;
    mine->publisher->loan(static_cast<uint32_t>(size))
        .and_then([mine](void *memory) { mine->loaned = memory; })
        .or_else([](auto &) {});
    return mine->loaned;
}

inline int topic_commit(struct link *to, size_t)
{
    end *mine = static_cast<end *>(to->state);

    mine->publisher->publish(mine->loaned);
    return 0;
}

inline long topic_peek(struct link *from, const void **data)
{
    end *mine = static_cast<end *>(from->state);

    mine->taken = nullptr;
    mine->subscriber->take()
        .and_then([mine](const void *memory) { mine->taken = memory; })
        .or_else([](auto &) {});
    *data = mine->taken;
    return mine->taken
               ? static_cast<long>(
                     iox::mepoo::ChunkHeader::fromUserPayload(mine->taken)
                         ->userPayloadSize())
               : 0;
}

inline int topic_skip(struct link *from)
{
    end *mine = static_cast<end *>(from->state);

    mine->subscriber->release(mine->taken);
    return 0;
}

inline int topic_send(struct link *to, const void *data, size_t size)
{
    void *memory = topic_reserve(to, size);

    if (!memory)
        return 0;
    memcpy(memory, data, size);
    topic_commit(to, size);
    return 1;
}

inline long topic_receive(struct link *from, void *to, size_t room)
{
    const void *data;
    long n = topic_peek(from, &data);

    if (n <= 0)
        return n;
    if (static_cast<size_t>(n) > room)
        return -1;
    memcpy(to, data, static_cast<size_t>(n));
    topic_skip(from);
    return n;
}

LOOPS(topic, topic_send, topic_receive)
LOOPS_IN_PLACE(topic, topic_reserve, topic_commit, topic_peek, topic_skip,
               topic_send)
const struct loops topic_loops = {LOOPS_BASE(topic), LOOPS_NO_CALLS,
                                  LOOPS_PLACED(topic)};

} // namespace

extern "C" const struct transport transport_iceoryx;
const struct transport transport_iceoryx = {
    "iceoryx",
    "at most 256 messages under way",
    TRAIT_MANY_PRODUCERS | TRAIT_WAITS_FOR_ROOM,
    1 << 20,
    topic_open,
    topic_join,
    topic_leave,
    topic_close,
    &topic_loops,
};
