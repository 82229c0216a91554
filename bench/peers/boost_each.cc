// SPDX-License-Identifier: MIT
//
// Boost, a queue for each subscriber: lockfree::spsc_queue placed in shared
// memory, and interprocess::message_queue.
#include "each.h"
#include "loops.h"
#include "transports.h"
#include <algorithm>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstdio>
#include <new>

namespace bip = boost::interprocess;

namespace
{

// ------------------------------------------------------------- spsc_queue

constexpr size_t slot_size = 64; // the one that is measured
constexpr size_t most = 8;       // subscribers

struct slot {
    unsigned char bytes[slot_size];
};

// So many that all of them have a mebibyte.
using ring = boost::lockfree::spsc_queue<
    slot, boost::lockfree::capacity<(1 << 20) / most / slot_size - 8>>;

struct rings {
    ring each[most];
    unsigned next; // to which a message is to be pushed
};

int rings_open(struct link *link)
{
    if (sizeof(rings) > link->load->memory || link->load->size != slot_size ||
        link->load->consumers > most)
        return -1;
    link->state = new (link->memory) rings();
    return 0;
}

int rings_join(struct link *link, enum side side, unsigned index)
{
    if (side == SIDE_RECEIVE)
        link->state = &static_cast<rings *>(link->state)->each[index];
    return 0;
}

inline int ring_send(struct link *to, unsigned i, const void *data, size_t)
{
    return static_cast<rings *>(to->state)->each[i].push(
        *static_cast<const slot *>(data));
}

inline int rings_send(struct link *to, const void *data, size_t size)
{
    return each_send_all(to, &static_cast<rings *>(to->state)->next, ring_send,
                         data, size);
}

inline long rings_receive(struct link *from, void *to, size_t)
{
    return static_cast<ring *>(from->state)->pop(*static_cast<slot *>(to))
               ? static_cast<long>(slot_size)
               : 0;
}

// As many as there is room for in every one of them.
inline int rings_send_batch(struct link *to, const void *data, size_t,
                            unsigned count)
{
    rings *all = static_cast<rings *>(to->state);
    size_t room = count;

    for (unsigned i = 0; i < to->load->consumers; i++)
        room = std::min(room, all->each[i].write_available());
    for (unsigned i = 0; i < to->load->consumers; i++)
        all->each[i].push(static_cast<const slot *>(data), room);
    return static_cast<int>(room);
}

inline int rings_receive_batch(struct link *from, void *to, size_t,
                               unsigned count)
{
    return static_cast<int>(
        static_cast<ring *>(from->state)->pop(static_cast<slot *>(to), count));
}

LOOPS(rings, rings_send, rings_receive)
LOOPS_BATCH(rings, rings_send_batch, rings_receive_batch, rings_send)
const struct loops rings_loops = {LOOPS_BASE(rings), LOOPS_BATCHED(rings),
                                  LOOPS_NO_CALLS};

// ---------------------------------------------------------- message_queue

struct queues {
    bip::message_queue *each[EACH_MAX];
    unsigned next; // to which a message is to be sent
};

struct queue_name {
    char text[64];
    queue_name(const struct link *link, unsigned i)
    {
        snprintf(text, sizeof text, "%s-%u", link->name, i);
    }
};

int queues_open(struct link *link)
{
    const size_t size = link->load->size;
    const size_t room = link->load->memory / link->load->consumers;

    try {
        for (unsigned i = 0; i < link->load->consumers; i++) {
            const queue_name name(link, i);

            bip::message_queue::remove(name.text);
            bip::message_queue made(bip::create_only, name.text,
                                    room / (size + 64), size);
        }
    } catch (const bip::interprocess_exception &) {
        return -1;
    }
    return 0;
}

// A subscriber opens its own, and calls it the first.
int queues_join(struct link *link, enum side side, unsigned index)
{
    queues *made = new (std::nothrow) queues();
    const bool all = side == SIDE_SEND;

    if (!made)
        return -1;
    try {
        for (unsigned i = 0; i < (all ? link->load->consumers : 1); i++)
            made->each[i] = new bip::message_queue(
                bip::open_only, queue_name(link, all ? i : index).text);
    } catch (const bip::interprocess_exception &) {
        return -1;
    }
    link->state = made;
    return 0;
}

void queues_leave(struct link *link, enum side)
{
    queues *made = static_cast<queues *>(link->state);

    for (bip::message_queue *queue : made->each)
        delete queue;
    delete made;
}

void queues_close(struct link *link)
{
    for (unsigned i = 0; i < link->load->consumers; i++)
        bip::message_queue::remove(queue_name(link, i).text);
}

inline int queue_send(struct link *to, unsigned i, const void *data,
                      size_t size)
{
    return static_cast<queues *>(to->state)->each[i]->try_send(data, size, 0);
}

inline int queues_send(struct link *to, const void *data, size_t size)
{
    return each_send_all(to, &static_cast<queues *>(to->state)->next,
                         queue_send, data, size);
}

inline long queues_receive(struct link *from, void *to, size_t room)
{
    bip::message_queue::size_type size = 0;
    unsigned priority;

    return static_cast<queues *>(from->state)
                   ->each[0]
                   ->try_receive(to, room, size, priority)
               ? static_cast<long>(size)
               : 0;
}

LOOPS(queues, queues_send, queues_receive)
const struct loops queues_loops = {LOOPS_BASE(queues), LOOPS_NO_CALLS,
                                   LOOPS_NO_CALLS};

} // namespace

extern "C" const struct transport transport_boost_spsc_queue_each = {
    "boost spsc_queue each",
    nullptr,
    TRAIT_FIXED_SLOT | TRAIT_BROADCAST | TRAIT_MANY_CONSUMERS,
    slot_size,
    rings_open,
    rings_join,
    nullptr,
    nullptr,
    &rings_loops,
};

extern "C" const struct transport transport_boost_message_queue_each = {
    "boost message_queue each",
    "a mutex around a queue with priorities",
    TRAIT_FIXED_SLOT | TRAIT_BROADCAST | TRAIT_MANY_CONSUMERS,
    0,
    queues_open,
    queues_join,
    queues_leave,
    queues_close,
    &queues_loops,
};
