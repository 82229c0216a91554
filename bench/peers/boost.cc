// SPDX-License-Identifier: MIT
//
// Boost: lockfree::spsc_queue placed in shared memory, and
// interprocess::message_queue.
#include "loops.h"
#include "transports.h"
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <new>

namespace bip = boost::interprocess;

namespace
{

int join_nothing(struct link *, enum side, unsigned)
{
    return 0;
}

// ------------------------------------------------------------- spsc_queue

constexpr size_t memory = 1 << 20;

template <size_t Size> struct slot {
    unsigned char bytes[Size];
};

// As many slots as fit into a mebibyte, or what a run has for larger ones.
template <size_t Size> constexpr size_t slots()
{
    return memory / Size > 16 ? memory / Size - 16 : 12;
}

template <size_t Size>
using queue =
    boost::lockfree::spsc_queue<slot<Size>,
                                boost::lockfree::capacity<slots<Size>()>>;

template <size_t Size> int make(struct link *link)
{
    if (sizeof(queue<Size>) > link->load->memory)
        return -1;
    link->state = new (link->memory) queue<Size>;
    return 0;
}

int spsc_open(struct link *link)
{
    switch (link->load->size) {
    case 8:
        return make<8>(link);
    case 64:
        return make<64>(link);
    case 256:
        return make<256>(link);
    case 1024:
        return make<1024>(link);
    case 4096:
        return make<4096>(link);
    case 16384:
        return make<16384>(link);
    case 65536:
        return make<65536>(link);
    case 1048576:
        return make<1048576>(link);
    default:
        return -1;
    }
}

template <size_t Size> inline int push(struct link *to, const void *data)
{
    return static_cast<queue<Size> *>(to->state)->push(
        *static_cast<const slot<Size> *>(data));
}

template <size_t Size> inline long pop(struct link *from, void *to)
{
    return static_cast<queue<Size> *>(from->state)
                   ->pop(*static_cast<slot<Size> *>(to))
               ? static_cast<long>(Size)
               : 0;
}

inline int spsc_send(struct link *to, const void *data, size_t size)
{
    switch (size) {
    case 8:
        return push<8>(to, data);
    case 64:
        return push<64>(to, data);
    case 256:
        return push<256>(to, data);
    case 1024:
        return push<1024>(to, data);
    case 4096:
        return push<4096>(to, data);
    case 16384:
        return push<16384>(to, data);
    case 65536:
        return push<65536>(to, data);
    default:
        return push<1048576>(to, data);
    }
}

inline long spsc_receive(struct link *from, void *to, size_t room)
{
    switch (room) {
    case 8:
        return pop<8>(from, to);
    case 64:
        return pop<64>(from, to);
    case 256:
        return pop<256>(from, to);
    case 1024:
        return pop<1024>(from, to);
    case 4096:
        return pop<4096>(from, to);
    case 16384:
        return pop<16384>(from, to);
    case 65536:
        return pop<65536>(from, to);
    default:
        return pop<1048576>(from, to);
    }
}

template <size_t Size>
inline int push_some(struct link *to, const void *data, unsigned count)
{
    return static_cast<int>(static_cast<queue<Size> *>(to->state)->push(
        static_cast<const slot<Size> *>(data), count));
}

template <size_t Size>
inline int pop_some(struct link *from, void *to, unsigned count)
{
    return static_cast<int>(static_cast<queue<Size> *>(from->state)
                                ->pop(static_cast<slot<Size> *>(to), count));
}

// Batches are measured with these two sizes.
inline int spsc_send_batch(struct link *to, const void *data, size_t size,
                           unsigned count)
{
    return size == 8 ? push_some<8>(to, data, count)
                     : push_some<64>(to, data, count);
}

inline int spsc_receive_batch(struct link *from, void *to, size_t size,
                              unsigned count)
{
    return size == 8 ? pop_some<8>(from, to, count)
                     : pop_some<64>(from, to, count);
}

LOOPS(spsc, spsc_send, spsc_receive)
LOOPS_BATCH(spsc, spsc_send_batch, spsc_receive_batch, spsc_send)
const struct loops spsc_loops = {LOOPS_BASE(spsc), LOOPS_BATCHED(spsc),
                                 LOOPS_NO_CALLS};

// ---------------------------------------------------------- message_queue

int queue_open(struct link *link)
{
    const size_t size = link->load->size;

    try {
        bip::message_queue::remove(link->name);
        bip::message_queue made(bip::create_only, link->name,
                                link->load->memory / (size + 64), size);
    } catch (const bip::interprocess_exception &) {
        return -1;
    }
    return 0;
}

int queue_join(struct link *link, enum side, unsigned)
{
    try {
        link->state = new bip::message_queue(bip::open_only, link->name);
    } catch (const bip::interprocess_exception &) {
        return -1;
    }
    return 0;
}

void queue_leave(struct link *link, enum side)
{
    delete static_cast<bip::message_queue *>(link->state);
    link->state = nullptr;
}

void queue_close(struct link *link)
{
    bip::message_queue::remove(link->name);
}

inline int queue_send(struct link *to, const void *data, size_t size)
{
    return static_cast<bip::message_queue *>(to->state)->try_send(data, size,
                                                                  0);
}

inline long queue_receive(struct link *from, void *to, size_t room)
{
    bip::message_queue::size_type size = 0;
    unsigned priority;

    if (!static_cast<bip::message_queue *>(from->state)
             ->try_receive(to, room, size, priority))
        return 0;
    return static_cast<long>(size);
}

LOOPS(queue, queue_send, queue_receive)
const struct loops queue_loops = {LOOPS_BASE(queue), LOOPS_NO_CALLS,
                                  LOOPS_NO_CALLS};

} // namespace

extern "C" const struct transport transport_boost_spsc_queue = {
    "boost spsc_queue", nullptr, TRAIT_FIXED_SLOT, 1048576,     spsc_open,
    join_nothing,       nullptr, nullptr,          &spsc_loops,
};

extern "C" const struct transport transport_boost_message_queue = {
    "boost message_queue",
    "a mutex around a queue with priorities",
    TRAIT_FIXED_SLOT | TRAIT_MANY_PRODUCERS | TRAIT_MANY_CONSUMERS,
    0,
    queue_open,
    queue_join,
    queue_leave,
    queue_close,
    &queue_loops,
};
