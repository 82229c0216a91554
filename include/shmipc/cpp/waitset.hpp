/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: waiting for many channels with one thread, see
 * ipc_waitset.h.
 *
 *     auto set = shmipc::WaitSet::create();
 *     set.add(channel, &client);
 *
 *     IpcWaitSetReady ready[16];
 *     while (const auto count = set.wait(ready, 16)) // until interrupt()
 *         for (std::size_t i = 0; i < *count; i++)
 *             serve(static_cast<Client *>(ready[i].user));
 */
#ifndef SHMIPC_CPP_WAITSET_HPP
#define SHMIPC_CPP_WAITSET_HPP

#include <shmipc/cpp/bytes.hpp>
#include <shmipc/cpp/channel.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/cpp/timeout.hpp>
#include <shmipc/ipc_waitset.h>

#include <cstddef>
#include <memory>

namespace shmipc
{

/**
 * Channels that one thread waits for; move only. The channels stay the caller's
 * and may be moved; one that goes leaves the set by itself. One thread at a
 * time waits, others may add, remove and interrupt; nobody may be in a call
 * when it is moved from, assigned to or destroyed. Statuses are those of the C
 * calls. A call on an empty one is IPC_ERR_INVALID_ARGUMENT. Since 0.1.0.
 */
class WaitSet
{
  public:
    /** None. */
    WaitSet() noexcept = default;

    /** Takes over what ipc_waitset_create made. */
    explicit WaitSet(IpcWaitSet *set) noexcept : set_(set)
    {
    }

    WaitSet(WaitSet &&) noexcept = default;
    WaitSet &operator=(WaitSet &&) noexcept = default;

    ~WaitSet() = default;

#if defined(__cpp_exceptions)
    /** Makes an empty set. Allocates. Since 0.1.0. */
    static WaitSet create()
    {
        return create_by(detail::Raise());
    }

    /** Puts a channel into the set; `user` comes back with it. Allocates; does
     * not block. Since 0.1.0. */
    void add(const Channel &channel, void *user = nullptr)
    {
        succeed(ipc_waitset_add(set_.get(), channel.get(), user),
                detail::Raise());
    }

    /** Takes a channel out of the set. Does not block. Since 0.1.0. */
    void remove(const Channel &channel)
    {
        succeed(ipc_waitset_remove(set_.get(), channel.get()), detail::Raise());
    }

    /** Fills `ready` with channels that are, `room` at most, and says how many,
     * without waiting. None: IPC_ERR_TIMEOUT, or IPC_ERR_INTERRUPTED.
     * Since 0.1.0. */
    Result<std::size_t> try_wait(IpcWaitSetReady *ready, std::size_t room)
    {
        const timespec zero{};

        return wait_by(ready, room, &zero, detail::Raise());
    }

    /** The same, waiting until there is one, or for interrupt(). Since 0.1.0.
     */
    Result<std::size_t> wait(IpcWaitSetReady *ready, std::size_t room)
    {
        return wait_by(ready, room, nullptr, detail::Raise());
    }

    /** The same for at most so long. Since 0.1.0. */
    Result<std::size_t> wait_for(IpcWaitSetReady *ready, std::size_t room,
                                 Timeout timeout)
    {
        return wait_by(ready, room, timeout.get(), detail::Raise());
    }

    /** A descriptor for an event loop, the set's; ipc_waitset_fd says how to
     * use it. Does not block. Since 0.1.0. */
    int fd()
    {
        return fd_by(detail::Raise());
    }
#endif

    static WaitSet create(std::error_code &error) noexcept
    {
        return create_by(detail::Assign(error));
    }

    void add(const Channel &channel, void *user,
             std::error_code &error) noexcept
    {
        succeed(ipc_waitset_add(set_.get(), channel.get(), user),
                detail::Assign(error));
    }

    void add(const Channel &channel, std::error_code &error) noexcept
    {
        add(channel, nullptr, error);
    }

    void remove(const Channel &channel, std::error_code &error) noexcept
    {
        succeed(ipc_waitset_remove(set_.get(), channel.get()),
                detail::Assign(error));
    }

    Result<std::size_t> try_wait(IpcWaitSetReady *ready, std::size_t room,
                                 std::error_code &error) noexcept
    {
        const timespec zero{};

        return wait_by(ready, room, &zero, detail::Assign(error));
    }

    Result<std::size_t> wait(IpcWaitSetReady *ready, std::size_t room,
                             std::error_code &error) noexcept
    {
        return wait_by(ready, room, nullptr, detail::Assign(error));
    }

    Result<std::size_t> wait_for(IpcWaitSetReady *ready, std::size_t room,
                                 Timeout timeout,
                                 std::error_code &error) noexcept
    {
        return wait_by(ready, room, timeout.get(), detail::Assign(error));
    }

    /** -1 after an error. */
    int fd(std::error_code &error) noexcept
    {
        return fd_by(detail::Assign(error));
    }

    /** Ends the wait that is in progress, or else the next one; for any thread
     * and for signal handlers. Nothing on an empty one. Since 0.1.0. */
    void interrupt() noexcept
    {
        [[maybe_unused]] const auto r = ipc_waitset_interrupt(set_.get());
    }

    explicit operator bool() const noexcept
    {
        return set_ != nullptr;
    }

    /** For calls of C; still this object's. */
    IpcWaitSet *get() const noexcept
    {
        return set_.get();
    }

    /** Gives it up, to be given to ipc_waitset_destroy. */
    IpcWaitSet *release() noexcept
    {
        return set_.release();
    }

  private:
    template <class R, class Report>
    static void succeed(const R &r, const Report &report)
    {
        if (r.ipc_status != IPC_OK)
            report(r);
    }

    template <class Report> static WaitSet create_by(Report report)
    {
        const auto r = ipc_waitset_create();

        if (r.ipc_status == IPC_OK)
            return WaitSet(r.result);
        report(r);
        return WaitSet();
    }

    template <class Report>
    Result<std::size_t> wait_by(IpcWaitSetReady *ready, std::size_t room,
                                const timespec *timeout, Report report)
    {
        const auto r = ipc_waitset_wait(set_.get(), ready, room, timeout);

        if (r.ipc_status == IPC_OK)
            return {IPC_OK, r.result};
        if (!detail::is_nothing(r.ipc_status))
            report(r);
        return Result<std::size_t>(r.ipc_status);
    }

    template <class Report> int fd_by(Report report)
    {
        const auto r = ipc_waitset_fd(set_.get());

        if (r.ipc_status == IPC_OK)
            return r.result;
        report(r);
        return -1;
    }

    std::unique_ptr<IpcWaitSet, detail::Gives<&ipc_waitset_destroy>> set_;
};

} // namespace shmipc

#endif
