/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: taps, which see what goes through a channel and take
 * nothing, see ipc_tap.h.
 *
 *     auto tap = shmipc::Tap::open("/prices");
 *     std::vector<std::byte> bytes(tap.stats().max_entry_size);
 *
 *     for (;;) {
 *         const auto seen = tap.read_into_for(bytes, timeout);
 *         if (seen)
 *             show(bytes.data(), seen.size());
 *         else if (seen.status() == IPC_ERR_LAGGED)
 *             warn(seen.lost());
 *         else if (seen.status() == IPC_ERR_CLOSED)
 *             break;
 *     }
 */
#ifndef SHMIPC_CPP_TAP_HPP
#define SHMIPC_CPP_TAP_HPP

#include <shmipc/cpp/buffer.hpp>
#include <shmipc/cpp/bytes.hpp>
#include <shmipc/cpp/channel.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/cpp/timeout.hpp>
#include <shmipc/ipc_tap.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace shmipc
{

/** An entry that a tap has copied, or why there is none. Since 0.1.0. */
class [[nodiscard]] Seen
{
  public:
    explicit Seen(IpcStatus status) noexcept : status_(status)
    {
    }

    /** What a C call said, with the entry that it has filled. */
    Seen(const IpcTapReadResult &r, const IpcEntry &entry) noexcept
        : status_(r.ipc_status)
    {
        if (r.ipc_status == IPC_OK) {
            size_ = entry.size;
            offset_ = entry.offset;
        } else if (r.ipc_status < 0 && r.error.has_body) {
            offset_ = r.error.body.offset;
            lost_ = r.error.body.lost;
            owner_pid_ = r.error.body.owner_pid;
        }
    }

    /** Whether there is an entry. */
    explicit operator bool() const noexcept
    {
        return status_ == IPC_OK;
    }

    /** IPC_OK, or why there is none: IPC_EMPTY, IPC_ERR_TIMEOUT,
     * IPC_ERR_LAGGED, IPC_ERR_NOT_READY or IPC_ERR_CLOSED. */
    IpcStatus status() const noexcept
    {
        return status_;
    }

    std::size_t size() const noexcept
    {
        return size_;
    }

    /** Of the entry, or of what comes next. */
    std::uint64_t offset() const noexcept
    {
        return offset_;
    }

    /** With IPC_ERR_LAGGED: bytes that went by. */
    std::uint64_t lost() const noexcept
    {
        return lost_;
    }

    /** With IPC_ERR_NOT_READY: who is writing; 0: not known. */
    std::int32_t owner_pid() const noexcept
    {
        return owner_pid_;
    }

  private:
    std::uint64_t offset_ = 0;
    std::uint64_t lost_ = 0;
    std::size_t size_ = 0;
    std::int32_t owner_pid_ = 0;
    IpcStatus status_;
};

/** The options of a tap, all defaults. Since 0.1.0. */
inline IpcTapOptions tap_options() noexcept
{
    IpcTapOptions options{};

    options.struct_size = sizeof options;
    return options;
}

/**
 * Sees what goes through a channel or buffer; move only. What it is over has to
 * last longer, unless open() made it. Statuses are those of the C calls; a call
 * on an empty one is IPC_ERR_INVALID_ARGUMENT. Since 0.1.0.
 */
class Tap
{
  public:
    /** None. */
    Tap() noexcept = default;

    /** Takes over what a C call made. */
    explicit Tap(IpcTap *tap) noexcept : tap_(tap)
    {
    }

    Tap(Tap &&) noexcept = default;
    Tap &operator=(Tap &&) noexcept = default;

    ~Tap() = default;

#if defined(__cpp_exceptions)
    /** Taps the channel of that name, as ipc_tap_open. Allocates. Since 0.1.0.
     */
    static Tap open(const char *name,
                    const IpcTapOptions &options = tap_options())
    {
        return made(ipc_tap_open(name, &options), detail::Raise());
    }

    /** Taps what is in memory, as ipc_tap_attach. Allocates. Since 0.1.0. */
    static Tap attach(Bytes memory,
                      const IpcTapOptions &options = tap_options())
    {
        return made(ipc_tap_attach(memory.data(), memory.size(), &options),
                    detail::Raise());
    }

    /** Taps what a handle is of, as ipc_tap_attach_channel and
     * ipc_tap_attach_buffer. Allocates. Since 0.1.0. */
    static Tap attach(const Channel &channel,
                      const IpcTapOptions &options = tap_options())
    {
        return made(ipc_tap_attach_channel(channel.get(), &options),
                    detail::Raise());
    }

    static Tap attach(const Buffer &buffer,
                      const IpcTapOptions &options = tap_options())
    {
        return made(ipc_tap_attach_buffer(buffer.get(), &options),
                    detail::Raise());
    }

    /** Copies the next entry, as ipc_tap_read; never blocks. An error is only
     * what is none of the reasons that Seen lists. Since 0.1.0. */
    Seen try_read_into(MutableBytes to)
    {
        return try_read_into_by(to, detail::Raise());
    }

    /** The same, waiting for one for at most so long, as
     * ipc_tap_read_with_timeout. Since 0.1.0. */
    Seen read_into_for(MutableBytes to, Timeout timeout)
    {
        return read_into_by(to, timeout, detail::Raise());
    }

    /** Goes past what comes next, as ipc_tap_skip, and says how many bytes that
     * were; none: IPC_EMPTY. Since 0.1.0. */
    Result<std::uint64_t> skip()
    {
        return skip_by(detail::Raise());
    }

    /** Begins anew. Since 0.1.0. */
    void seek(IpcTapStart start)
    {
        seek_by(start, detail::Raise());
    }

    /** Where it is, and of what. Since 0.1.0. */
    IpcTapInfo stats() const
    {
        return stats_by(detail::Raise());
    }
#endif

    static Tap open(const char *name, const IpcTapOptions &options,
                    std::error_code &error) noexcept
    {
        return made(ipc_tap_open(name, &options), detail::Assign(error));
    }

    static Tap open(const char *name, std::error_code &error) noexcept
    {
        return open(name, tap_options(), error);
    }

    static Tap attach(Bytes memory, const IpcTapOptions &options,
                      std::error_code &error) noexcept
    {
        return made(ipc_tap_attach(memory.data(), memory.size(), &options),
                    detail::Assign(error));
    }

    static Tap attach(const Channel &channel, const IpcTapOptions &options,
                      std::error_code &error) noexcept
    {
        return made(ipc_tap_attach_channel(channel.get(), &options),
                    detail::Assign(error));
    }

    static Tap attach(const Buffer &buffer, const IpcTapOptions &options,
                      std::error_code &error) noexcept
    {
        return made(ipc_tap_attach_buffer(buffer.get(), &options),
                    detail::Assign(error));
    }

    Seen try_read_into(MutableBytes to, std::error_code &error) noexcept
    {
        return try_read_into_by(to, detail::Assign(error));
    }

    Seen read_into_for(MutableBytes to, Timeout timeout,
                       std::error_code &error) noexcept
    {
        return read_into_by(to, timeout, detail::Assign(error));
    }

    Result<std::uint64_t> skip(std::error_code &error) noexcept
    {
        return skip_by(detail::Assign(error));
    }

    void seek(IpcTapStart start, std::error_code &error) noexcept
    {
        seek_by(start, detail::Assign(error));
    }

    /** Zeros after an error. */
    IpcTapInfo stats(std::error_code &error) const noexcept
    {
        return stats_by(detail::Assign(error));
    }

    explicit operator bool() const noexcept
    {
        return tap_ != nullptr;
    }

    /** For calls of C; still this object's. */
    IpcTap *get() const noexcept
    {
        return tap_.get();
    }

    /** Gives it up, to be given to ipc_tap_destroy. */
    IpcTap *release() noexcept
    {
        return tap_.release();
    }

  private:
    template <class R, class Report> static Tap made(const R &r, Report report)
    {
        if (r.ipc_status == IPC_OK)
            return Tap(r.result);
        report(r);
        return Tap();
    }

    template <class Report>
    static Seen seen(const IpcTapReadResult &r, const IpcEntry &entry,
                     Report report)
    {
        if (r.ipc_status != IPC_OK && r.ipc_status != IPC_ERR_LAGGED &&
            !detail::is_nothing(r.ipc_status))
            report(r);
        return Seen(r, entry);
    }

    template <class Report>
    Seen try_read_into_by(MutableBytes to, Report report)
    {
        IpcEntry entry{0, to.data(), to.size()};
        const auto r = ipc_tap_read(tap_.get(), &entry);

        return seen(r, entry, report);
    }

    template <class Report>
    Seen read_into_by(MutableBytes to, Timeout timeout, Report report)
    {
        const timespec &time = *timeout.get();
        IpcEntry entry{0, to.data(), to.size()};
        const auto r = ipc_tap_read_with_timeout(
            tap_.get(), &entry,
            static_cast<std::uint64_t>(time.tv_sec) * 1000000000u +
                static_cast<std::uint64_t>(time.tv_nsec));

        return seen(r, entry, report);
    }

    template <class Report> Result<std::uint64_t> skip_by(Report report)
    {
        const auto r = ipc_tap_skip(tap_.get());

        if (r.ipc_status == IPC_OK)
            return {IPC_OK, r.result};
        if (r.ipc_status != IPC_ERR_LAGGED && !detail::is_nothing(r.ipc_status))
            report(r);
        return Result<std::uint64_t>(r.ipc_status);
    }

    template <class Report> void seek_by(IpcTapStart start, Report report)
    {
        const auto r = ipc_tap_seek(tap_.get(), start);

        if (r.ipc_status != IPC_OK)
            report(r);
    }

    template <class Report> IpcTapInfo stats_by(Report report) const
    {
        IpcTapInfo info{};

        info.struct_size = sizeof info;
        const auto r = ipc_tap_stats(tap_.get(), &info);
        if (r.ipc_status != IPC_OK)
            report(r);
        return info;
    }

    std::unique_ptr<IpcTap, detail::Gives<&ipc_tap_destroy>> tap_;
};

} // namespace shmipc

#endif
