/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: a buffer, the ring that never waits, see ipc_buffer.h. For
 * programs that do their own waiting, and for monitors; others want a channel.
 */
#ifndef SHMIPC_CPP_BUFFER_HPP
#define SHMIPC_CPP_BUFFER_HPP

#include <shmipc/cpp/bytes.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/cpp/held.hpp>
#include <shmipc/cpp/in_place.hpp>
#include <shmipc/cpp/newest.hpp>
#include <shmipc/cpp/subscribe.hpp>
#include <shmipc/ipc_buffer.h>
#include <shmipc/ipc_open.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace shmipc
{

/**
 * A handle of a buffer; move only. The memory stays the caller's and has to
 * outlive it. Any number of threads may use one at once in many/many mode, as
 * ipc_buffer.h says; not while it is moved from, assigned to or destroyed. A
 * call on an empty one is IPC_ERR_INVALID_ARGUMENT. Statuses are those of the C
 * calls that are named. Since 0.1.0.
 */
class Buffer : public BasicSubscribing<Buffer>,
               public BasicNewest<Buffer, IpcBuffer>
{
  public:
    using Entry = BasicEntry<IpcBuffer>;
    using HeldEntry = BasicHeldEntry<IpcBuffer>;
    using Reservation = BasicReservation<IpcBuffer>;

    /** None. */
    Buffer() noexcept = default;

    /** Takes over what a C call made. */
    explicit Buffer(IpcBuffer *handle) noexcept : handle_(handle)
    {
    }

    Buffer(Buffer &&) noexcept = default;
    Buffer &operator=(Buffer &&) noexcept = default;

    ~Buffer() = default;

#if defined(__cpp_exceptions)
    /** Creates the buffer `name` or joins the one that exists, as
     * ipc_buffer_open; `options` may be nullptr. Since 0.1.0. */
    static Buffer open(const char *name,
                       const IpcOpenOptions *options = nullptr)
    {
        return open_by(name, options, detail::Raise());
    }

    /** Removes the name, as ipc_buffer_unlink. Since 0.1.0. */
    static void unlink(const char *name)
    {
        unlink_by(name, detail::Raise());
    }

    /** Formats memory as an empty buffer, as ipc_buffer_create_with_options;
     * `options` may be nullptr. Allocates. Since 0.1.0. */
    static Buffer create(MutableBytes memory,
                         const IpcBufferOptions *options = nullptr)
    {
        return create_by(memory, options, detail::Raise());
    }

    /** Joins the buffer that is there, as ipc_buffer_attach_with_options;
     * `options` may be nullptr. Allocates. Since 0.1.0. */
    static Buffer attach(MutableBytes memory,
                         const IpcBufferOptions *options = nullptr)
    {
        return attach_by(memory, options, detail::Raise());
    }

    /** Looks at what is there and stores nothing, as ipc_buffer_observe.
     * Allocates. Since 0.1.0. */
    static Buffer observe(Bytes memory)
    {
        return observe_by(memory, detail::Raise());
    }

    /** Writes an entry, as ipc_buffer_write. False: it is full right now.
     * Since 0.1.0. */
    [[nodiscard]] bool try_write(Bytes entry)
    {
        return write_by(entry, detail::Raise());
    }

    /** Space for an entry of up to `size` bytes, as ipc_buffer_reserve; none if
     * it is full right now. Since 0.1.0. */
    Reservation try_reserve(std::size_t size)
    {
        return reserve_by(size, detail::Raise());
    }

    /** Copies the next entry and consumes it, as ipc_buffer_read; its size, or
     * nothing. Since 0.1.0. */
    Result<std::size_t> try_read_into(MutableBytes to)
    {
        return read_into_by(to, detail::Raise());
    }

    /** Looks at the next entry, as ipc_buffer_peek, if there is one.
     * Since 0.1.0. */
    Entry try_peek()
    {
        return peek_by(detail::Raise());
    }

    /** Reads the next entry ahead of its acknowledgement, as
     * ipc_buffer_read_ahead, if there is one. Since 0.1.0. */
    HeldEntry try_read_ahead()
    {
        return read_ahead_by(detail::Raise());
    }

    /** Removes what dead producers left, as ipc_buffer_recover; how many claims
     * that was. Since 0.1.0. */
    std::uint64_t recover()
    {
        return recover_by(detail::Raise());
    }

    /** Describes it, as ipc_buffer_stats. Since 0.1.0. */
    IpcBufferStats stats() const
    {
        return stats_by(detail::Raise());
    }
#endif

    static Buffer open(const char *name, const IpcOpenOptions *options,
                       std::error_code &error) noexcept
    {
        return open_by(name, options, detail::Assign(error));
    }

    static Buffer open(const char *name, std::error_code &error) noexcept
    {
        return open(name, nullptr, error);
    }

    static void unlink(const char *name, std::error_code &error) noexcept
    {
        unlink_by(name, detail::Assign(error));
    }

    static Buffer create(MutableBytes memory, const IpcBufferOptions *options,
                         std::error_code &error) noexcept
    {
        return create_by(memory, options, detail::Assign(error));
    }

    static Buffer create(MutableBytes memory, std::error_code &error) noexcept
    {
        return create(memory, nullptr, error);
    }

    static Buffer attach(MutableBytes memory, const IpcBufferOptions *options,
                         std::error_code &error) noexcept
    {
        return attach_by(memory, options, detail::Assign(error));
    }

    static Buffer attach(MutableBytes memory, std::error_code &error) noexcept
    {
        return attach(memory, nullptr, error);
    }

    static Buffer observe(Bytes memory, std::error_code &error) noexcept
    {
        return observe_by(memory, detail::Assign(error));
    }

    [[nodiscard]] bool try_write(Bytes entry, std::error_code &error) noexcept
    {
        return write_by(entry, detail::Assign(error));
    }

    Reservation try_reserve(std::size_t size, std::error_code &error) noexcept
    {
        return reserve_by(size, detail::Assign(error));
    }

    Result<std::size_t> try_read_into(MutableBytes to,
                                      std::error_code &error) noexcept
    {
        return read_into_by(to, detail::Assign(error));
    }

    Entry try_peek(std::error_code &error) noexcept
    {
        return peek_by(detail::Assign(error));
    }

    HeldEntry try_read_ahead(std::error_code &error) noexcept
    {
        return read_ahead_by(detail::Assign(error));
    }

    std::uint64_t recover(std::error_code &error) noexcept
    {
        return recover_by(detail::Assign(error));
    }

    IpcBufferStats stats(std::error_code &error) const noexcept
    {
        return stats_by(detail::Assign(error));
    }

    /** As ipc_buffer_created. */
    bool created() const noexcept
    {
        return ipc_buffer_created(handle_.get());
    }

    /** As ipc_buffer_max_entry_size. */
    std::uint64_t max_entry_size() const noexcept
    {
        return ipc_buffer_max_entry_size(handle_.get());
    }

    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }

    /** For calls of C; still this object's. */
    IpcBuffer *get() const noexcept
    {
        return handle_.get();
    }

    /** Gives it up, to be given to ipc_buffer_destroy. */
    IpcBuffer *release() noexcept
    {
        return handle_.release();
    }

  private:
    template <class R, class Report>
    static Buffer made(const R &r, const Report &report)
    {
        if (r.ipc_status == IPC_OK)
            return Buffer(r.result);
        report(r);
        return Buffer();
    }

    template <class Report>
    static Buffer open_by(const char *name, const IpcOpenOptions *options,
                          Report report)
    {
        return made(ipc_buffer_open(name, options), report);
    }

    template <class Report>
    static void unlink_by(const char *name, Report report)
    {
        const auto r = ipc_buffer_unlink(name);

        if (r.ipc_status != IPC_OK)
            report(r);
    }

    template <class Report>
    static Buffer create_by(MutableBytes memory,
                            const IpcBufferOptions *options, Report report)
    {
        return made(ipc_buffer_create_with_options(memory.data(), memory.size(),
                                                   options),
                    report);
    }

    template <class Report>
    static Buffer attach_by(MutableBytes memory,
                            const IpcBufferOptions *options, Report report)
    {
        return made(ipc_buffer_attach_with_options(memory.data(), memory.size(),
                                                   options),
                    report);
    }

    template <class Report>
    static Buffer observe_by(Bytes memory, Report report)
    {
        return made(ipc_buffer_observe(memory.data(), memory.size()), report);
    }

    template <class Report> bool write_by(Bytes entry, Report report)
    {
        const auto r =
            ipc_buffer_write(handle_.get(), entry.data(), entry.size());

        if (r.ipc_status != IPC_OK && !detail::is_full(r.ipc_status))
            report(r);
        return r.ipc_status == IPC_OK;
    }

    template <class Report>
    Reservation reserve_by(std::size_t size, Report report)
    {
        IpcReservation space;
        const auto r = ipc_buffer_reserve(handle_.get(), size, &space);

        if (r.ipc_status == IPC_OK)
            return Reservation(handle_.get(), space);
        if (!detail::is_full(r.ipc_status))
            report(r);
        return Reservation(r.ipc_status);
    }

    template <class Report>
    Result<std::size_t> read_into_by(MutableBytes to, Report report)
    {
        IpcEntry entry = {0, to.data(), to.size()};
        const auto r = ipc_buffer_read(handle_.get(), &entry);

        if (r.ipc_status == IPC_OK)
            return {IPC_OK, entry.size};
        if (!detail::is_nothing(r.ipc_status))
            report(r);
        return Result<std::size_t>(r.ipc_status);
    }

    template <class Report> Entry peek_by(Report report)
    {
        IpcEntry entry;
        const auto r = ipc_buffer_peek(handle_.get(), &entry);

        if (r.ipc_status == IPC_OK)
            return Entry(handle_.get(), entry);
        if (!detail::is_nothing(r.ipc_status))
            report(r);
        return Entry(r.ipc_status);
    }

    template <class Report> HeldEntry read_ahead_by(Report report)
    {
        IpcEntry entry{};
        const auto r = ipc_buffer_read_ahead(handle_.get(), &entry);

        if (r.ipc_status == IPC_OK)
            return HeldEntry(handle_.get(), entry, r.result);
        if (!detail::is_nothing(r.ipc_status))
            report(r);
        return HeldEntry(r.ipc_status);
    }

    template <class Report> std::uint64_t recover_by(Report report)
    {
        const auto r = ipc_buffer_recover(handle_.get());

        if (r.ipc_status == IPC_OK)
            return r.result;
        report(r);
        return 0;
    }

    template <class Report> IpcBufferStats stats_by(Report report) const
    {
        IpcBufferStats stats{};

        stats.struct_size = sizeof stats;
        const auto r = ipc_buffer_stats(handle_.get(), &stats);

        if (r.ipc_status != IPC_OK)
            report(r);
        return stats;
    }

    std::unique_ptr<IpcBuffer, detail::Gives<&ipc_buffer_destroy>> handle_;
};

} // namespace shmipc

#endif
