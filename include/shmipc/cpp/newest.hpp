/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: keep-last, see ipc_newest.h: what a Channel and a Buffer
 * have for it. A subscriber gets the newest frame, and works on it in place:
 *
 *     channel.subscribe(shmipc::lagging_subscription());
 *     while (auto frame = channel.pin_newest())
 *         use(frame.data(), frame.size()); // stays whole till the next round
 *
 * What the calls are called:
 *
 *     does not wait         waits for ever    waits so long
 *     try_pin_newest        pin_newest        pin_newest_for
 *     try_pin               pin               pin_for
 *     try_read_newest_into  read_newest_into  read_newest_into_for
 *
 * The last two columns a Channel alone has. Where there is nothing, the answer
 * is empty, and says why by status().
 */
#ifndef SHMIPC_CPP_NEWEST_HPP
#define SHMIPC_CPP_NEWEST_HPP

#include <shmipc/cpp/bytes.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/cpp/subscribe.hpp>
#include <shmipc/cpp/timeout.hpp>
#include <shmipc/ipc_newest.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace shmipc
{

/** How to subscribe as one that writers never wait for; to be changed. Behind a
 * gap it goes on with the oldest that is there. Since 0.1.0. */
inline IpcSubscription
lagging_subscription(IpcSubscribeFrom from = IPC_SUBSCRIBE_FROM_NOW) noexcept
{
    IpcSubscription how = subscription(from);

    how.policy = IPC_SUBSCRIBER_LAGS;
    how.after_gap = IPC_SUBSCRIBE_FROM_OLDEST;
    return how;
}

namespace detail
{

/* The C calls for each kind of handle. */
inline auto pin(IpcChannel *handle, IpcEntry *to) noexcept
{
    return ipc_channel_pin(handle, to);
}

inline auto pin(IpcBuffer *handle, IpcEntry *to) noexcept
{
    return ipc_buffer_pin(handle, to);
}

inline auto pin_newest(IpcChannel *handle, IpcEntry *to) noexcept
{
    return ipc_channel_pin_newest(handle, to);
}

inline auto pin_newest(IpcBuffer *handle, IpcEntry *to) noexcept
{
    return ipc_buffer_pin_newest(handle, to);
}

inline auto read_newest(IpcChannel *handle, IpcEntry *to) noexcept
{
    return ipc_channel_read_newest(handle, to);
}

inline auto read_newest(IpcBuffer *handle, IpcEntry *to) noexcept
{
    return ipc_buffer_read_newest(handle, to);
}

inline auto unpin(IpcChannel *handle, std::uint64_t offset) noexcept
{
    return ipc_channel_unpin(handle, offset);
}

inline auto unpin(IpcBuffer *handle, std::uint64_t offset) noexcept
{
    return ipc_buffer_unpin(handle, offset);
}

} // namespace detail

/**
 * An entry that is pinned, where it lies; or none, and the reason. It is
 * unpinned when the guard goes, or before that by unpin(). It refers to the
 * handle that it came from, which has to outlive it (and may be moved), is for
 * one thread at a time, and move only. In a forked child a parent's guard does
 * nothing. Since 0.1.0.
 */
template <class Handle> class [[nodiscard]] BasicPinnedEntry
{
  public:
    /** None: IPC_EMPTY. */
    BasicPinnedEntry() noexcept = default;

    /** None, for that reason. */
    explicit BasicPinnedEntry(IpcStatus status) noexcept : status_(status)
    {
    }

    /** What `handle` has pinned. */
    BasicPinnedEntry(Handle *handle, const IpcEntry &entry,
                     std::uint64_t skipped) noexcept
        : handle_(handle), entry_(entry), skipped_(skipped), status_(IPC_OK)
    {
    }

    BasicPinnedEntry(BasicPinnedEntry &&other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)),
          entry_(std::exchange(other.entry_, IpcEntry{})),
          skipped_(std::exchange(other.skipped_, 0)),
          status_(std::exchange(other.status_, IPC_EMPTY))
    {
    }

    /** What it had pinned before is unpinned. */
    BasicPinnedEntry &operator=(BasicPinnedEntry &&other) noexcept
    {
        BasicPinnedEntry old(std::move(other));

        std::swap(handle_, old.handle_);
        std::swap(entry_, old.entry_);
        std::swap(skipped_, old.skipped_);
        std::swap(status_, old.status_);
        return *this;
    }

    ~BasicPinnedEntry()
    {
        unpin();
    }

    /** Lets go of it; the guard is empty afterwards. Does not block.
     * Since 0.1.0. */
    void unpin() noexcept
    {
        if (handle_ == nullptr)
            return;
        [[maybe_unused]] const auto r =
            detail::unpin(std::exchange(handle_, nullptr), entry_.offset);
        entry_ = IpcEntry{};
        status_ = IPC_EMPTY;
    }

    /** Whether there is an entry; not after unpin(). */
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }

    /** IPC_OK, or why there is none. */
    IpcStatus status() const noexcept
    {
        return status_;
    }

    /** Bytes of blocks that were jumped over or lost, see ipc_newest.h. */
    std::uint64_t skipped() const noexcept
    {
        return skipped_;
    }

    /** Its bytes; nullptr and 0 if there is no entry. */
    const std::byte *data() const noexcept
    {
        return static_cast<const std::byte *>(entry_.payload);
    }

    std::size_t size() const noexcept
    {
        return entry_.size;
    }

    /** The entry's name, see IpcEntry. */
    std::uint64_t offset() const noexcept
    {
        return entry_.offset;
    }

    /** Its bytes as text. */
    std::string_view text() const noexcept
    {
        return {static_cast<const char *>(entry_.payload), entry_.size};
    }

#if defined(__cpp_lib_span)
    std::span<const std::byte> bytes() const noexcept
    {
        return {data(), size()};
    }
#endif

  private:
    Handle *handle_ = nullptr;
    IpcEntry entry_{};
    std::uint64_t skipped_ = 0;
    IpcStatus status_ = IPC_EMPTY;
};

/** The newest entry, which was copied; or none, and the reason. Since 0.1.0. */
class [[nodiscard]] NewestCopy
{
  public:
    /** None, for that reason. */
    explicit NewestCopy(IpcStatus status) noexcept : status_(status)
    {
    }

    NewestCopy(const IpcEntry &entry, std::uint64_t skipped) noexcept
        : size_(entry.size), offset_(entry.offset), skipped_(skipped),
          status_(IPC_OK)
    {
    }

    explicit operator bool() const noexcept
    {
        return status_ == IPC_OK;
    }

    IpcStatus status() const noexcept
    {
        return status_;
    }

    /** Bytes that were copied. */
    std::size_t size() const noexcept
    {
        return size_;
    }

    std::uint64_t offset() const noexcept
    {
        return offset_;
    }

    /** Bytes of blocks that were jumped over or lost, see ipc_newest.h. */
    std::uint64_t skipped() const noexcept
    {
        return skipped_;
    }

  private:
    std::size_t size_ = 0;
    std::uint64_t offset_ = 0, skipped_ = 0;
    IpcStatus status_;
};

/** The members of a Channel and a Buffer, `Owner`, for keep-last. Statuses are
 * those of the C calls. Since 0.1.0. */
template <class Owner, class Handle> class BasicNewest
{
  public:
    using PinnedEntry = BasicPinnedEntry<Handle>;

#if defined(__cpp_exceptions)
    /** Pins the next entry, as ipc_channel_pin or ipc_buffer_pin.
     * Since 0.1.0. */
    PinnedEntry try_pin()
    {
        return pinned(&try_next, detail::Raise());
    }

    /** Pins the newest entry, as ipc_channel_pin_newest or
     * ipc_buffer_pin_newest. Since 0.1.0. */
    PinnedEntry try_pin_newest()
    {
        return pinned(&try_newest, detail::Raise());
    }

    /** Copies the newest entry, as ipc_channel_read_newest or
     * ipc_buffer_read_newest. Since 0.1.0. */
    NewestCopy try_read_newest_into(MutableBytes to)
    {
        return copied(&try_copy, to, detail::Raise());
    }
#endif

    PinnedEntry try_pin(std::error_code &error) noexcept
    {
        return pinned(&try_next, detail::Assign(error));
    }

    PinnedEntry try_pin_newest(std::error_code &error) noexcept
    {
        return pinned(&try_newest, detail::Assign(error));
    }

    NewestCopy try_read_newest_into(MutableBytes to,
                                    std::error_code &error) noexcept
    {
        return copied(&try_copy, to, detail::Assign(error));
    }

  protected:
    BasicNewest() noexcept = default;

    template <class Call, class Report>
    PinnedEntry pinned(Call call, Report report)
    {
        IpcEntry entry{};
        const auto r = call(handle(), &entry);

        if (r.ipc_status == IPC_OK)
            return PinnedEntry(handle(), entry, r.result);
        if (!detail::is_nothing(r.ipc_status))
            report(r);
        return PinnedEntry(r.ipc_status);
    }

    template <class Call, class Report>
    NewestCopy copied(Call call, MutableBytes to, Report report)
    {
        IpcEntry entry{};

        entry.payload = to.data();
        entry.size = to.size();
        const auto r = call(handle(), &entry);

        if (r.ipc_status == IPC_OK)
            return NewestCopy(entry, r.result);
        if (!detail::is_nothing(r.ipc_status))
            report(r);
        return NewestCopy(r.ipc_status);
    }

  private:
    Handle *handle() noexcept
    {
        return static_cast<Owner *>(this)->get();
    }

    static auto try_next(Handle *handle, IpcEntry *to) noexcept
    {
        return detail::pin(handle, to);
    }

    static auto try_newest(Handle *handle, IpcEntry *to) noexcept
    {
        return detail::pin_newest(handle, to);
    }

    static auto try_copy(Handle *handle, IpcEntry *to) noexcept
    {
        return detail::read_newest(handle, to);
    }
};

/** What of these calls waits. Since 0.1.0. */
template <class Owner>
class BasicNewestOfChannel : public BasicNewest<Owner, IpcChannel>
{
  public:
    using PinnedEntry = BasicPinnedEntry<IpcChannel>;

#if defined(__cpp_exceptions)
    /** Pins the next entry, waiting for it, as ipc_channel_pin_blocking.
     * Since 0.1.0. */
    PinnedEntry pin()
    {
        return pin_by(nullptr, detail::Raise());
    }

    /** The same for at most so long. Since 0.1.0. */
    PinnedEntry pin_for(Timeout timeout)
    {
        return pin_by(timeout.get(), detail::Raise());
    }

    /** Pins the newest entry, waiting for one, as
     * ipc_channel_pin_newest_blocking. Since 0.1.0. */
    PinnedEntry pin_newest()
    {
        return pin_newest_by(nullptr, detail::Raise());
    }

    /** The same for at most so long. Since 0.1.0. */
    PinnedEntry pin_newest_for(Timeout timeout)
    {
        return pin_newest_by(timeout.get(), detail::Raise());
    }

    /** Copies the newest entry, waiting for one, as
     * ipc_channel_read_newest_blocking. Since 0.1.0. */
    NewestCopy read_newest_into(MutableBytes to)
    {
        return copy_newest_by(to, nullptr, detail::Raise());
    }

    /** The same for at most so long. Since 0.1.0. */
    NewestCopy read_newest_into_for(MutableBytes to, Timeout timeout)
    {
        return copy_newest_by(to, timeout.get(), detail::Raise());
    }
#endif

    PinnedEntry pin(std::error_code &error) noexcept
    {
        return pin_by(nullptr, detail::Assign(error));
    }

    PinnedEntry pin_for(Timeout timeout, std::error_code &error) noexcept
    {
        return pin_by(timeout.get(), detail::Assign(error));
    }

    PinnedEntry pin_newest(std::error_code &error) noexcept
    {
        return pin_newest_by(nullptr, detail::Assign(error));
    }

    PinnedEntry pin_newest_for(Timeout timeout, std::error_code &error) noexcept
    {
        return pin_newest_by(timeout.get(), detail::Assign(error));
    }

    NewestCopy read_newest_into(MutableBytes to,
                                std::error_code &error) noexcept
    {
        return copy_newest_by(to, nullptr, detail::Assign(error));
    }

    NewestCopy read_newest_into_for(MutableBytes to, Timeout timeout,
                                    std::error_code &error) noexcept
    {
        return copy_newest_by(to, timeout.get(), detail::Assign(error));
    }

  protected:
    BasicNewestOfChannel() noexcept = default;

  private:
    template <class Report>
    PinnedEntry pin_by(const timespec *timeout, Report report)
    {
        return this->pinned(
            [timeout](IpcChannel *channel, IpcEntry *to) {
                return ipc_channel_pin_with_timeout(channel, to, timeout);
            },
            report);
    }

    template <class Report>
    PinnedEntry pin_newest_by(const timespec *timeout, Report report)
    {
        return this->pinned(
            [timeout](IpcChannel *channel, IpcEntry *to) {
                return ipc_channel_pin_newest_with_timeout(channel, to,
                                                           timeout);
            },
            report);
    }

    template <class Report>
    NewestCopy copy_newest_by(MutableBytes to, const timespec *timeout,
                              Report report)
    {
        return this->copied(
            [timeout](IpcChannel *channel, IpcEntry *dest) {
                return ipc_channel_read_newest_with_timeout(channel, dest,
                                                            timeout);
            },
            to, report);
    }
};

} // namespace shmipc

#endif
