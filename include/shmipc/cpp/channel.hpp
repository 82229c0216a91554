/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: a channel, see ipc_channel.h. What the calls are called:
 *
 *     does not wait    waits for ever   waits so long     if there is nothing
 *     try_read         read             read_for          an empty Message
 *     try_read_into    read_into        read_into_for     an empty Result
 *     try_peek         peek             peek_for          an empty Entry
 *     try_read_ahead   read_ahead       read_ahead_for    an empty HeldEntry
 *     try_pin_newest   pin_newest       pin_newest_for    an empty PinnedEntry
 *     try_write        write            write_for         false
 *     try_reserve      reserve          reserve_for       an empty Reservation
 *
 * Empty ones say why by status(): IPC_EMPTY, IPC_ERR_NOT_READY (the next entry
 * is being written) or IPC_ERR_LOCKED (others were faster) of those that do not
 * wait; IPC_ERR_TIMEOUT; of reads IPC_ERR_INTERRUPTED, while this handle is
 * interrupted, and IPC_ERR_CLOSED, once a closed channel is read to its end. So
 * this reads until somebody closes, or a handler of SIGINT calls interrupt():
 *
 *     while (auto message = channel.read())
 *         use(message.data(), message.size());
 *
 * All else is an error; for writes these two are as well, since what was to be
 * written was not.
 */
#ifndef SHMIPC_CPP_CHANNEL_HPP
#define SHMIPC_CPP_CHANNEL_HPP

#include <shmipc/cpp/bytes.hpp>
#include <shmipc/cpp/channel_calls.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/cpp/held.hpp>
#include <shmipc/cpp/in_place.hpp>
#include <shmipc/cpp/newest.hpp>
#include <shmipc/cpp/subscribe.hpp>
#include <shmipc/cpp/timeout.hpp>
#include <shmipc/ipc_channel.h>
#include <shmipc/ipc_open.h>

#include <cstddef>
#include <cstdint>

namespace shmipc
{

/** What channels are used with if nobody says otherwise, to be changed.
 * Since 0.1.0. */
inline IpcChannelConfiguration default_configuration() noexcept
{
    return IPC_CHANNEL_DEFAULTS;
}

/** Options for opening by name, to be filled in; `struct_size` is set.
 * Since 0.1.0. */
inline IpcOpenOptions open_options() noexcept
{
    IpcOpenOptions options{};

    options.struct_size = sizeof options;
    return options;
}

/**
 * A handle of a channel; move only. Its memory, if create() or connect() was
 * given it, stays the caller's and has to outlive it. Any number of threads may
 * use one at once in many/many mode; not while it is moved from, assigned to or
 * destroyed. A call on an empty one is IPC_ERR_INVALID_ARGUMENT. Since 0.1.0.
 */
class Channel : private detail::ChannelCalls,
                public BasicSubscribing<Channel>,
                public BasicNewestOfChannel<Channel>
{
  public:
    using Entry = BasicEntry<IpcChannel>;
    using HeldEntry = BasicHeldEntry<IpcChannel>;
    using Reservation = BasicReservation<IpcChannel>;

    /** None. */
    Channel() noexcept = default;

    /** Takes over what a C call made. */
    explicit Channel(IpcChannel *handle) noexcept : ChannelCalls(handle)
    {
    }

    Channel(Channel &&) noexcept = default;
    Channel &operator=(Channel &&) noexcept = default;

    /** As ipc_channel_destroy: the channel goes on, without this handle. */
    ~Channel() = default;

    /* ------------------------------------------------ the throwing forms */

#if defined(__cpp_exceptions)
    /** Creates the channel `name` or joins the one that exists, in whatever
     * order programs start; created() says which. `options` may be nullptr, see
     * open_options(). Statuses as ipc_channel_open. Allocates; blocks as file
     * operations do, and for a creator that is slow. Since 0.1.0. */
    static Channel open(const char *name,
                        const IpcOpenOptions *options = nullptr)
    {
        return open_by(name, options, detail::Raise());
    }

    /** Removes the name, as ipc_channel_unlink. Since 0.1.0. */
    static void unlink(const char *name)
    {
        unlink_by(name, detail::Raise());
    }

    /** Formats memory as an empty channel: a Segment, an array, `{pointer,
     * size}`. Statuses as ipc_channel_create. Allocates; does not block.
     * Since 0.1.0. */
    static Channel create(
        MutableBytes memory,
        const IpcChannelConfiguration &configuration = default_configuration())
    {
        return create_by(memory, configuration, detail::Raise());
    }

    /** Joins the channel that is there. Statuses as ipc_channel_connect_sized.
     * Allocates; does not block. Since 0.1.0. */
    static Channel connect(
        MutableBytes memory,
        const IpcChannelConfiguration &configuration = default_configuration())
    {
        return connect_by(memory, configuration, detail::Raise());
    }

    /** Writes one entry, whole or not at all, and wakes readers that sleep.
     * False: it is full right now. Never blocks. Statuses as ipc_channel_write.
     * Since 0.1.0. */
    [[nodiscard]] bool try_write(Bytes entry)
    {
        return try_write_by(entry, detail::Raise());
    }

    /** The same, waiting for space; as ipc_channel_write_blocking.
     * Since 0.1.0. */
    void write(Bytes entry)
    {
        write_by(entry, detail::Raise());
    }

    /** The same for at most so long, as ipc_channel_write_with_timeout. False:
     * the time passed. Since 0.1.0. */
    [[nodiscard]] bool write_for(Bytes entry, Timeout timeout)
    {
        return write_by(entry, timeout.get(), detail::Raise());
    }

    /** Space for an entry of up to `size` bytes, to be filled in place; none if
     * the channel is full right now. Never blocks. Statuses as
     * ipc_channel_reserve. Since 0.1.0. */
    Reservation try_reserve(std::size_t size)
    {
        return try_reserve_by(size, detail::Raise());
    }

    /** The same, waiting for space; as ipc_channel_reserve_with_timeout.
     * Since 0.1.0. */
    Reservation reserve(std::size_t size)
    {
        return reserve_by(size, nullptr, detail::Raise());
    }

    /** The same for at most so long. Since 0.1.0. */
    Reservation reserve_for(std::size_t size, Timeout timeout)
    {
        return reserve_by(size, timeout.get(), detail::Raise());
    }

    /** Reads and consumes the next entry, if there is one, into new memory.
     * Never blocks. Statuses as ipc_channel_try_read. Since 0.1.0. */
    Message try_read()
    {
        return try_read_by(detail::Raise());
    }

    /** The same, waiting for an entry; as ipc_channel_read_blocking.
     * Since 0.1.0. */
    Message read()
    {
        return read_by(nullptr, detail::Raise());
    }

    /** The same for at most so long. Since 0.1.0. */
    Message read_for(Timeout timeout)
    {
        return read_by(timeout.get(), detail::Raise());
    }

    /** Reads and consumes the next entry, if there is one, into the caller's
     * memory; the result is its size. IPC_ERR_TOO_SMALL leaves it there and
     * tells Error::required_size(). Never blocks, does not allocate. Statuses
     * as ipc_channel_try_read_into. Since 0.1.0. */
    Result<std::size_t> try_read_into(MutableBytes to)
    {
        return try_read_into_by(to, detail::Raise());
    }

    /** The same, waiting for an entry; as ipc_channel_read_into_with_timeout.
     * Since 0.1.0. */
    Result<std::size_t> read_into(MutableBytes to)
    {
        return read_into_by(to, nullptr, detail::Raise());
    }

    /** The same for at most so long. Since 0.1.0. */
    Result<std::size_t> read_into_for(MutableBytes to, Timeout timeout)
    {
        return read_into_by(to, timeout.get(), detail::Raise());
    }

    /** Looks at the next entry where it lies, if there is one; see BasicEntry
     * for when its bytes can be relied on. Never blocks. Statuses as
     * ipc_channel_peek. Since 0.1.0. */
    Entry try_peek()
    {
        return try_peek_by(detail::Raise());
    }

    /** The same, waiting for an entry; as ipc_channel_peek_with_timeout.
     * Since 0.1.0. */
    Entry peek()
    {
        return peek_by(nullptr, detail::Raise());
    }

    /** The same for at most so long. Since 0.1.0. */
    Entry peek_for(Timeout timeout)
    {
        return peek_by(timeout.get(), detail::Raise());
    }

    /** Reads the next entry ahead of its acknowledgement, where it lies, if
     * there is one; as ipc_channel_try_read_ahead. Since 0.1.0. */
    HeldEntry try_read_ahead()
    {
        return try_read_ahead_by(detail::Raise());
    }

    /** The same, waiting for an entry; as ipc_channel_read_ahead_blocking.
     * Since 0.1.0. */
    HeldEntry read_ahead()
    {
        return read_ahead_by(nullptr, detail::Raise());
    }

    /** The same for at most so long. Since 0.1.0. */
    HeldEntry read_ahead_for(Timeout timeout)
    {
        return read_ahead_by(timeout.get(), detail::Raise());
    }

    /** Closes the channel for everybody, as ipc_channel_close. Does not block.
     * Since 0.1.0. */
    void close()
    {
        close_by(detail::Raise());
    }

    /** A descriptor for an event loop, the handle's, as ipc_channel_fd, which
     * says how to use it. Does not block. Since 0.1.0. */
    int fd()
    {
        return fd_by(detail::Raise());
    }

    /** Sends a channel that open() made, by name or memfd, over a connected
     * Unix socket to who calls SharedChannel::accept(); as ipc_channel_share.
     * Blocks as the socket does. Since 0.1.0. */
    void share(int socket)
    {
        share_by(socket, detail::Raise());
    }

    /** Removes what dead producers left, as ipc_channel_recover; how many
     * claims that was. Does not block. Since 0.1.0. */
    std::uint64_t recover(bool force = false)
    {
        return recover_by(force, detail::Raise());
    }

    /** Describes the channel, as ipc_channel_stats. Wait-free. Since 0.1.0. */
    IpcBufferStats stats() const
    {
        return stats_by(detail::Raise());
    }
#endif

    /* ----------------------- the same, telling of errors by an error code */

    static Channel open(const char *name, const IpcOpenOptions *options,
                        std::error_code &error) noexcept
    {
        return open_by(name, options, detail::Assign(error));
    }

    static Channel open(const char *name, std::error_code &error) noexcept
    {
        return open(name, nullptr, error);
    }

    static void unlink(const char *name, std::error_code &error) noexcept
    {
        unlink_by(name, detail::Assign(error));
    }

    static Channel create(MutableBytes memory,
                          const IpcChannelConfiguration &configuration,
                          std::error_code &error) noexcept
    {
        return create_by(memory, configuration, detail::Assign(error));
    }

    static Channel create(MutableBytes memory, std::error_code &error) noexcept
    {
        return create(memory, default_configuration(), error);
    }

    static Channel connect(MutableBytes memory,
                           const IpcChannelConfiguration &configuration,
                           std::error_code &error) noexcept
    {
        return connect_by(memory, configuration, detail::Assign(error));
    }

    static Channel connect(MutableBytes memory, std::error_code &error) noexcept
    {
        return connect(memory, default_configuration(), error);
    }

    [[nodiscard]] bool try_write(Bytes entry, std::error_code &error) noexcept
    {
        return try_write_by(entry, detail::Assign(error));
    }

    void write(Bytes entry, std::error_code &error) noexcept
    {
        write_by(entry, detail::Assign(error));
    }

    [[nodiscard]] bool write_for(Bytes entry, Timeout timeout,
                                 std::error_code &error) noexcept
    {
        return write_by(entry, timeout.get(), detail::Assign(error));
    }

    Reservation try_reserve(std::size_t size, std::error_code &error) noexcept
    {
        return try_reserve_by(size, detail::Assign(error));
    }

    Reservation reserve(std::size_t size, std::error_code &error) noexcept
    {
        return reserve_by(size, nullptr, detail::Assign(error));
    }

    Reservation reserve_for(std::size_t size, Timeout timeout,
                            std::error_code &error) noexcept
    {
        return reserve_by(size, timeout.get(), detail::Assign(error));
    }

    Message try_read(std::error_code &error) noexcept
    {
        return try_read_by(detail::Assign(error));
    }

    Message read(std::error_code &error) noexcept
    {
        return read_by(nullptr, detail::Assign(error));
    }

    Message read_for(Timeout timeout, std::error_code &error) noexcept
    {
        return read_by(timeout.get(), detail::Assign(error));
    }

    Result<std::size_t> try_read_into(MutableBytes to,
                                      std::error_code &error) noexcept
    {
        return try_read_into_by(to, detail::Assign(error));
    }

    Result<std::size_t> read_into(MutableBytes to,
                                  std::error_code &error) noexcept
    {
        return read_into_by(to, nullptr, detail::Assign(error));
    }

    Result<std::size_t> read_into_for(MutableBytes to, Timeout timeout,
                                      std::error_code &error) noexcept
    {
        return read_into_by(to, timeout.get(), detail::Assign(error));
    }

    Entry try_peek(std::error_code &error) noexcept
    {
        return try_peek_by(detail::Assign(error));
    }

    Entry peek(std::error_code &error) noexcept
    {
        return peek_by(nullptr, detail::Assign(error));
    }

    Entry peek_for(Timeout timeout, std::error_code &error) noexcept
    {
        return peek_by(timeout.get(), detail::Assign(error));
    }

    HeldEntry try_read_ahead(std::error_code &error) noexcept
    {
        return try_read_ahead_by(detail::Assign(error));
    }

    HeldEntry read_ahead(std::error_code &error) noexcept
    {
        return read_ahead_by(nullptr, detail::Assign(error));
    }

    HeldEntry read_ahead_for(Timeout timeout, std::error_code &error) noexcept
    {
        return read_ahead_by(timeout.get(), detail::Assign(error));
    }

    void close(std::error_code &error) noexcept
    {
        close_by(detail::Assign(error));
    }

    /** -1 after an error. */
    int fd(std::error_code &error) noexcept
    {
        return fd_by(detail::Assign(error));
    }

    void share(int socket, std::error_code &error) noexcept
    {
        share_by(socket, detail::Assign(error));
    }

    std::uint64_t recover(bool force, std::error_code &error) noexcept
    {
        return recover_by(force, detail::Assign(error));
    }

    std::uint64_t recover(std::error_code &error) noexcept
    {
        return recover(false, error);
    }

    IpcBufferStats stats(std::error_code &error) const noexcept
    {
        return stats_by(detail::Assign(error));
    }

    /* ------------------------------------------------- what cannot fail */

    /** Whether open() created the channel that this is a handle of. */
    bool created() const noexcept
    {
        return ipc_channel_created(handle_.get());
    }

    /** Ends the waits of this handle, those to come too, until
     * clear_interrupt(), as ipc_channel_interrupt; for any thread and for
     * signal handlers. Nothing on an empty one. Since 0.1.0. */
    void interrupt() noexcept
    {
        [[maybe_unused]] const auto r = ipc_channel_interrupt(handle_.get());
    }

    /** Lets this handle wait again; whether it was interrupted. Since 0.1.0. */
    bool clear_interrupt() noexcept
    {
        const auto r = ipc_channel_clear_interrupt(handle_.get());

        return r.ipc_status == IPC_OK && r.result;
    }

    /** As ipc_channel_max_entry_size; 0 of an empty one. */
    std::uint64_t max_entry_size() const noexcept
    {
        return ipc_channel_max_entry_size(handle_.get());
    }

    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }

    /** For calls of C that have no member here; still this object's. */
    IpcChannel *get() const noexcept
    {
        return handle_.get();
    }

    /** Gives it up, to be given to ipc_channel_destroy. */
    IpcChannel *release() noexcept
    {
        return handle_.release();
    }

  private:
    /* ------------------------------------- what both forms have in common */

    template <class R, class Report>
    static Channel made(const R &r, const Report &report)
    {
        if (r.ipc_status == IPC_OK)
            return Channel(r.result);
        report(r);
        return Channel();
    }

    template <class Report>
    static Channel open_by(const char *name, const IpcOpenOptions *options,
                           Report report)
    {
        return made(ipc_channel_open(name, options), report);
    }

    template <class Report>
    static void unlink_by(const char *name, Report report)
    {
        const auto r = ipc_channel_unlink(name);

        if (r.ipc_status != IPC_OK)
            report(r);
    }

    template <class Report>
    static Channel create_by(MutableBytes memory,
                             const IpcChannelConfiguration &configuration,
                             Report report)
    {
        return made(
            ipc_channel_create(memory.data(), memory.size(), configuration),
            report);
    }

    template <class Report>
    static Channel connect_by(MutableBytes memory,
                              const IpcChannelConfiguration &configuration,
                              Report report)
    {
        return made(ipc_channel_connect_sized(memory.data(), memory.size(),
                                              configuration),
                    report);
    }
};

using Entry = Channel::Entry;
using HeldEntry = Channel::HeldEntry;
using PinnedEntry = Channel::PinnedEntry;
using Reservation = Channel::Reservation;

} // namespace shmipc

#endif
