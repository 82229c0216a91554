/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: a guard for an entry that was read ahead, see
 * ipc_acknowledge.h.
 */
#ifndef SHMIPC_CPP_HELD_HPP
#define SHMIPC_CPP_HELD_HPP

#include <shmipc/cpp/bytes.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/ipc_acknowledge.h>

#include <exception>
#include <string_view>
#include <utility>

namespace shmipc
{

namespace detail
{

/* The C calls of a buffer and of a channel by one name. */
inline auto acknowledge(IpcBuffer *buffer, std::uint64_t offset) noexcept
{
    return ipc_buffer_acknowledge(buffer, offset);
}

inline auto acknowledge(IpcChannel *channel, std::uint64_t offset) noexcept
{
    return ipc_channel_acknowledge(channel, offset);
}

inline auto give_back(IpcBuffer *buffer, std::uint64_t offset) noexcept
{
    return ipc_buffer_give_back(buffer, offset);
}

inline auto give_back(IpcChannel *channel, std::uint64_t offset) noexcept
{
    return ipc_channel_give_back(channel, offset);
}

} // namespace detail

/**
 * An entry that was read ahead, where it lies; or none, and the reason. It is
 * acknowledged when the guard goes, or before that by acknowledge(), which can
 * tell of errors; by give_back() it is read again, and so it is if an exception
 * unwinds past the guard: what was not dealt with is not lost. Its bytes stay
 * whole until then (a process that does not keep to the rules could still
 * change them: copy what you check).
 *
 * With one consumer an acknowledgement is of all entries up to this one, and a
 * giving back of all from this one on; a guard whose entry went with another's
 * does nothing when it goes. In a work queue it is of this entry alone. It
 * refers to the handle that it came from, which has to outlive it (and may be
 * moved), is for one thread at a time, and move only. In a forked child a
 * parent's guard does nothing. Since 0.1.0.
 */
template <class Handle> class [[nodiscard]] BasicHeldEntry
{
  public:
    /** None: IPC_EMPTY. */
    BasicHeldEntry() noexcept = default;

    /** None, for that reason. */
    explicit BasicHeldEntry(IpcStatus status) noexcept : status_(status)
    {
    }

    /** What `handle` read ahead. */
    BasicHeldEntry(Handle *handle, const IpcEntry &entry, bool again) noexcept
        : handle_(handle), entry_(entry), again_(again), status_(IPC_OK)
    {
    }

    BasicHeldEntry(BasicHeldEntry &&other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)), entry_(other.entry_),
          unwinding_(other.unwinding_), again_(other.again_),
          status_(other.status_)
    {
        other.forget();
    }

    /** What it held before is acknowledged, as by the destructor. */
    BasicHeldEntry &operator=(BasicHeldEntry &&other) noexcept
    {
        BasicHeldEntry old(std::move(other));

        std::swap(handle_, old.handle_);
        std::swap(entry_, old.entry_);
        std::swap(unwinding_, old.unwinding_);
        std::swap(again_, old.again_);
        std::swap(status_, old.status_);
        return *this;
    }

    ~BasicHeldEntry()
    {
        if (!handle_)
            return;
        if (std::uncaught_exceptions() > unwinding_) {
            [[maybe_unused]] const auto r =
                detail::give_back(handle_, entry_.offset);
        } else {
            [[maybe_unused]] const auto r =
                detail::acknowledge(handle_, entry_.offset);
        }
    }

    /** Whether there is an entry; not after acknowledge() or give_back(). */
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }

    /** IPC_OK, or why there is none. */
    IpcStatus status() const noexcept
    {
        return status_;
    }

    /** Whether it may have been read before: who had it died, or gave it back.
     */
    bool again() const noexcept
    {
        return again_;
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

#if defined(__cpp_exceptions)
    /** Consumes the entry; the guard is empty afterwards. Throws what
     * ipc_channel_acknowledge says. Does not block. Since 0.1.0. */
    void acknowledge()
    {
        settle(detail::acknowledge(let_go(), entry_.offset), detail::Raise());
    }

    /** Lets it be read again; the guard is empty afterwards. Throws what
     * ipc_channel_give_back says. Does not block. Since 0.1.0. */
    void give_back()
    {
        settle(detail::give_back(let_go(), entry_.offset), detail::Raise());
    }
#endif

    void acknowledge(std::error_code &error) noexcept
    {
        settle(detail::acknowledge(let_go(), entry_.offset),
               detail::Assign(error));
    }

    void give_back(std::error_code &error) noexcept
    {
        settle(detail::give_back(let_go(), entry_.offset),
               detail::Assign(error));
    }

  private:
    Handle *let_go() noexcept
    {
        return std::exchange(handle_, nullptr);
    }

    template <class R, class Report>
    void settle(const R &r, const Report &report)
    {
        forget();
        if (r.ipc_status != IPC_OK)
            report(r);
    }

    void forget() noexcept
    {
        entry_ = IpcEntry{};
        again_ = false;
        status_ = IPC_EMPTY;
    }

    Handle *handle_ = nullptr;
    IpcEntry entry_{};
    /* How many exceptions were on their way when the entry was read. */
    int unwinding_ = std::uncaught_exceptions();
    bool again_ = false;
    IpcStatus status_ = IPC_EMPTY;
};

} // namespace shmipc

#endif
