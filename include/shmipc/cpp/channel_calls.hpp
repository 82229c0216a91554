/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: what the two forms of a Channel's calls have in common,
 * the one that throws and the one that tells of errors by an error code. Not to
 * be used by itself: channel.hpp is the interface.
 */
#ifndef SHMIPC_CPP_CHANNEL_CALLS_HPP
#define SHMIPC_CPP_CHANNEL_CALLS_HPP

#include <shmipc/cpp/bytes.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/cpp/held.hpp>
#include <shmipc/cpp/in_place.hpp>
#include <shmipc/ipc_channel.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace shmipc::detail
{

/** A channel's handle, and the calls with it; `report` gets what fails. */
class ChannelCalls
{
  protected:
    using Entry = BasicEntry<IpcChannel>;
    using HeldEntry = BasicHeldEntry<IpcChannel>;
    using Reservation = BasicReservation<IpcChannel>;

    ChannelCalls() noexcept = default;

    explicit ChannelCalls(IpcChannel *handle) noexcept : handle_(handle)
    {
    }

    template <class R, class Report>
    static bool written(const R &r, const Report &report)
    {
        if (r.ipc_status != IPC_OK && !is_full(r.ipc_status))
            report(r);
        return r.ipc_status == IPC_OK;
    }

    template <class Report> bool try_write_by(Bytes entry, Report report)
    {
        return written(
            ipc_channel_write(handle_.get(), entry.data(), entry.size()),
            report);
    }

    template <class Report> void write_by(Bytes entry, Report report)
    {
        written(ipc_channel_write_blocking(handle_.get(), entry.data(),
                                           entry.size()),
                report);
    }

    template <class Report>
    bool write_by(Bytes entry, const timespec *timeout, Report report)
    {
        return written(ipc_channel_write_with_timeout(
                           handle_.get(), entry.data(), entry.size(), timeout),
                       report);
    }

    template <class R, class Report>
    Reservation reserved(const R &r, const IpcReservation &space,
                         const Report &report)
    {
        if (written(r, report))
            return Reservation(handle_.get(), space);
        return Reservation(r.ipc_status);
    }

    template <class Report>
    Reservation try_reserve_by(std::size_t size, Report report)
    {
        IpcReservation space{};
        const auto r = ipc_channel_reserve(handle_.get(), size, &space);

        return reserved(r, space, report);
    }

    template <class Report>
    Reservation reserve_by(std::size_t size, const timespec *timeout,
                           Report report)
    {
        IpcReservation space{};
        const auto r = ipc_channel_reserve_with_timeout(handle_.get(), size,
                                                        &space, timeout);

        return reserved(r, space, report);
    }

    template <class R, class Report>
    static bool found(const R &r, const Report &report)
    {
        if (r.ipc_status != IPC_OK && !is_nothing(r.ipc_status))
            report(r);
        return r.ipc_status == IPC_OK;
    }

    template <class Report> Message try_read_by(Report report)
    {
        IpcEntry entry{};
        const auto r = ipc_channel_try_read(handle_.get(), &entry);

        return found(r, report) ? Message(entry) : Message(r.ipc_status);
    }

    template <class Report>
    Message read_by(const timespec *timeout, Report report)
    {
        IpcEntry entry{};
        const auto r =
            ipc_channel_read_with_timeout(handle_.get(), &entry, timeout);

        return found(r, report) ? Message(entry) : Message(r.ipc_status);
    }

    template <class R, class Report>
    static Result<std::size_t> copied(const R &r, const IpcEntry &entry,
                                      const Report &report)
    {
        found(r, report);
        return {r.ipc_status, entry.size};
    }

    template <class Report>
    Result<std::size_t> try_read_into_by(MutableBytes to, Report report)
    {
        IpcEntry entry = {0, to.data(), to.size()};
        const auto r = ipc_channel_try_read_into(handle_.get(), &entry);

        return copied(r, entry, report);
    }

    template <class Report>
    Result<std::size_t> read_into_by(MutableBytes to, const timespec *timeout,
                                     Report report)
    {
        IpcEntry entry = {0, to.data(), to.size()};
        const auto r =
            ipc_channel_read_into_with_timeout(handle_.get(), &entry, timeout);

        return copied(r, entry, report);
    }

    template <class R, class Report>
    Entry peeked(const R &r, const IpcEntry &entry, const Report &report)
    {
        return found(r, report) ? Entry(handle_.get(), entry)
                                : Entry(r.ipc_status);
    }

    template <class Report> Entry try_peek_by(Report report)
    {
        IpcEntry entry{};
        const auto r = ipc_channel_peek(handle_.get(), &entry);

        return peeked(r, entry, report);
    }

    template <class Report>
    Entry peek_by(const timespec *timeout, Report report)
    {
        IpcEntry entry{};
        const auto r =
            ipc_channel_peek_with_timeout(handle_.get(), &entry, timeout);

        return peeked(r, entry, report);
    }

    template <class R, class Report>
    HeldEntry held(const R &r, const IpcEntry &entry, const Report &report)
    {
        return found(r, report) ? HeldEntry(handle_.get(), entry, r.result)
                                : HeldEntry(r.ipc_status);
    }

    template <class Report> HeldEntry try_read_ahead_by(Report report)
    {
        IpcEntry entry{};
        const auto r = ipc_channel_try_read_ahead(handle_.get(), &entry);

        return held(r, entry, report);
    }

    template <class Report>
    HeldEntry read_ahead_by(const timespec *timeout, Report report)
    {
        IpcEntry entry{};
        const auto r =
            ipc_channel_read_ahead_with_timeout(handle_.get(), &entry, timeout);

        return held(r, entry, report);
    }

    template <class Report> void close_by(Report report)
    {
        const auto r = ipc_channel_close(handle_.get());

        if (r.ipc_status != IPC_OK)
            report(r);
    }

    template <class Report> int fd_by(Report report)
    {
        const auto r = ipc_channel_fd(handle_.get());

        if (r.ipc_status == IPC_OK)
            return r.result;
        report(r);
        return -1;
    }

    template <class Report> void share_by(int socket, Report report)
    {
        const auto r = ipc_channel_share(handle_.get(), socket, -1, 0);

        if (r.ipc_status != IPC_OK)
            report(r);
    }

    template <class Report> std::uint64_t recover_by(bool force, Report report)
    {
        const auto r = ipc_channel_recover(handle_.get(), force);

        if (r.ipc_status == IPC_OK)
            return r.result;
        report(r);
        return 0;
    }

    template <class Report> IpcBufferStats stats_by(Report report) const
    {
        IpcBufferStats stats{};

        stats.struct_size = sizeof stats;
        const auto r = ipc_channel_stats(handle_.get(), &stats);

        if (r.ipc_status != IPC_OK)
            report(r);
        return stats;
    }

    std::unique_ptr<IpcChannel, Gives<&ipc_channel_destroy>> handle_;
};

} // namespace shmipc::detail

#endif
