/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: guards for entries that are read and written where they
 * lie in shared memory. A guard belongs to one thread, refers to the handle
 * that it came from, which has to outlive it (and may be moved), and is move
 * only.
 */
#ifndef SHMIPC_CPP_IN_PLACE_HPP
#define SHMIPC_CPP_IN_PLACE_HPP

#include <shmipc/cpp/bytes.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/ipc_buffer.h>
#include <shmipc/ipc_channel.h>

#include <exception>
#include <string_view>
#include <utility>

namespace shmipc
{

namespace detail
{

/* The C calls of a buffer and of a channel by one name. */
inline auto skip(IpcBuffer *buffer, std::uint64_t offset) noexcept
{
    return ipc_buffer_skip(buffer, offset);
}

inline auto skip(IpcChannel *channel, std::uint64_t offset) noexcept
{
    return ipc_channel_skip(channel, offset);
}

inline auto commit(IpcBuffer *buffer, const IpcReservation &reservation,
                   std::size_t size) noexcept
{
    return ipc_buffer_commit(buffer, &reservation, size);
}

inline auto commit(IpcChannel *channel, const IpcReservation &reservation,
                   std::size_t size) noexcept
{
    return ipc_channel_commit(channel, &reservation, size);
}

inline auto abort(IpcBuffer *buffer, const IpcReservation &reservation) noexcept
{
    return ipc_buffer_abort(buffer, &reservation);
}

inline auto abort(IpcChannel *channel,
                  const IpcReservation &reservation) noexcept
{
    return ipc_channel_abort(channel, &reservation);
}

} // namespace detail

/**
 * The next entry, looked at where it lies; or none, and the reason. It is
 * consumed when the guard goes, or before that by take(); leave() leaves it for
 * the next read, and so does an exception that unwinds past the guard: what was
 * not dealt with is not lost.
 *
 * In one-consumer mode its bytes stay whole until then (a process that does not
 * keep to the rules could still change them: copy what you check). With many
 * consumers another one may take the entry at any time, and a writer then reuse
 * its bytes. Only take() can tell: true says that the entry was this guard's
 * and what was read from it until then is whole; after false that is to be
 * thrown away. So act upon it after take(), and do not leave that to the
 * destructor, which tells nobody. Do not follow lengths or indices that you
 * have not checked. Since 0.1.0.
 */
template <class Handle> class [[nodiscard]] BasicEntry
{
  public:
    /** None: IPC_EMPTY. */
    BasicEntry() noexcept = default;

    /** None, for that reason. */
    explicit BasicEntry(IpcStatus status) noexcept : status_(status)
    {
    }

    /** What a peek of `handle` found. */
    BasicEntry(Handle *handle, const IpcEntry &entry) noexcept
        : handle_(handle), entry_(entry), status_(IPC_OK)
    {
    }

    BasicEntry(BasicEntry &&other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)), entry_(other.entry_),
          unwinding_(other.unwinding_), status_(other.status_)
    {
        other.forget();
    }

    /** What it held before is consumed, as by the destructor. */
    BasicEntry &operator=(BasicEntry &&other) noexcept
    {
        BasicEntry old(std::move(other));

        std::swap(handle_, old.handle_);
        std::swap(entry_, old.entry_);
        std::swap(unwinding_, old.unwinding_);
        std::swap(status_, old.status_);
        return *this;
    }

    ~BasicEntry()
    {
        if (handle_ && std::uncaught_exceptions() <= unwinding_) {
            [[maybe_unused]] const auto r =
                detail::skip(handle_, entry_.offset);
        }
    }

    /** Whether there is an entry; not after take() or leave(). */
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }

    /** IPC_OK, or why there is none. */
    IpcStatus status() const noexcept
    {
        return status_;
    }

    /** Its bytes, aligned to IPC_BUFFER_BLOCK_SIZE, or to 8 if it was written
     * in an array; nullptr and 0 if there is no entry. */
    const std::byte *data() const noexcept
    {
        return static_cast<const std::byte *>(entry_.payload);
    }

    std::size_t size() const noexcept
    {
        return entry_.size;
    }

    const std::byte *begin() const noexcept
    {
        return data();
    }

    const std::byte *end() const noexcept
    {
        return size() ? data() + size() : data();
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
    /**
     * Consumes the entry; the guard is empty afterwards, since the bytes are
     * the writers' again. True: it was this guard's alone, and what was read is
     * whole. False: somebody else took it. Throws what ipc_channel_skip says
     * besides, and IPC_ERR_INVALID_ARGUMENT if there is no entry. Does not
     * block. Since 0.1.0.
     */
    [[nodiscard]] bool take()
    {
        return take_by(detail::Raise());
    }
#endif

    [[nodiscard]] bool take(std::error_code &error) noexcept
    {
        return take_by(detail::Assign(error));
    }

    /** Leaves the entry where it is, for the next read. Since 0.1.0. */
    void leave() noexcept
    {
        handle_ = nullptr;
        forget();
    }

  private:
    template <class Report> bool take_by(Report report)
    {
        Handle *handle = std::exchange(handle_, nullptr);
        const auto r = detail::skip(handle, entry_.offset);

        forget();
        if (r.ipc_status == IPC_OK)
            return true;
        if (r.ipc_status != IPC_ERR_OFFSET_MISMATCH &&
            r.ipc_status != IPC_EMPTY)
            report(r);
        return false;
    }

    void forget() noexcept
    {
        entry_ = IpcEntry{};
        status_ = IPC_EMPTY;
    }

    Handle *handle_ = nullptr;
    IpcEntry entry_{};
    /* How many exceptions were on their way when the entry was found. */
    int unwinding_ = std::uncaught_exceptions();
    IpcStatus status_ = IPC_EMPTY;
};

/**
 * Space for an entry, to be filled where it lies in shared memory; or none, and
 * the reason. commit() makes it an entry; without it the guard gives the space
 * back when it goes, also by an exception, and no reader ever sees it. Readers
 * wait for what is reserved, so do not keep it for long. The bytes hold
 * something old at first. In a forked child a parent's guard does nothing.
 * Since 0.1.0.
 */
template <class Handle> class [[nodiscard]] BasicReservation
{
  public:
    /** None: IPC_EMPTY. */
    BasicReservation() noexcept = default;

    /** None, for that reason. */
    explicit BasicReservation(IpcStatus status) noexcept : status_(status)
    {
    }

    /** What a reserve of `handle` gave. */
    BasicReservation(Handle *handle, const IpcReservation &space) noexcept
        : handle_(handle), space_(space), status_(IPC_OK)
    {
    }

    BasicReservation(BasicReservation &&other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)),
          space_(std::exchange(other.space_, IpcReservation{})),
          status_(std::exchange(other.status_, IPC_EMPTY))
    {
    }

    /** What it held before is given back, as by the destructor. */
    BasicReservation &operator=(BasicReservation &&other) noexcept
    {
        BasicReservation old(std::move(other));

        std::swap(handle_, old.handle_);
        std::swap(space_, old.space_);
        std::swap(status_, old.status_);
        return *this;
    }

    ~BasicReservation()
    {
        abort();
    }

    /** Whether there is space; not after commit() or abort(). */
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }

    /** IPC_OK, or why there is none. */
    IpcStatus status() const noexcept
    {
        return status_;
    }

    /** Where to write to, aligned to IPC_BUFFER_BLOCK_SIZE. */
    std::byte *data() const noexcept
    {
        return static_cast<std::byte *>(space_.payload);
    }

    std::size_t size() const noexcept
    {
        return space_.size;
    }

#if defined(__cpp_lib_span)
    std::span<std::byte> bytes() const noexcept
    {
        return {data(), size()};
    }
#endif

#if defined(__cpp_exceptions)
    /**
     * Makes the first `size` bytes, or all, an entry, and wakes who waits for
     * one (a channel's). The guard is empty afterwards. Throws what
     * ipc_channel_commit says; the guard is as it was then. Does not block.
     * Since 0.1.0.
     */
    void commit(std::size_t size)
    {
        commit_by(size, detail::Raise());
    }

    void commit()
    {
        commit(space_.size);
    }
#endif

    void commit(std::size_t size, std::error_code &error) noexcept
    {
        commit_by(size, detail::Assign(error));
    }

    void commit(std::error_code &error) noexcept
    {
        commit(space_.size, error);
    }

    /** Gives the space back now. Since 0.1.0. */
    void abort() noexcept
    {
        if (handle_) {
            [[maybe_unused]] const auto r = detail::abort(handle_, space_);
        }
        forget();
    }

  private:
    template <class Report> void commit_by(std::size_t size, Report report)
    {
        const auto r = detail::commit(handle_, space_, size);

        if (r.ipc_status == IPC_OK)
            forget();
        else
            report(r);
    }

    void forget() noexcept
    {
        handle_ = nullptr;
        space_ = IpcReservation{};
        status_ = IPC_EMPTY;
    }

    Handle *handle_ = nullptr;
    IpcReservation space_{};
    IpcStatus status_ = IPC_EMPTY;
};

} // namespace shmipc

#endif
