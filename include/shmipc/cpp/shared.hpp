/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: a channel that came over a Unix socket, see
 * ipc_channel_accept. Channel::share() sends one.
 */
#ifndef SHMIPC_CPP_SHARED_HPP
#define SHMIPC_CPP_SHARED_HPP

#include <shmipc/cpp/channel.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/ipc_channel.h>

#include <utility>

namespace shmipc
{

/**
 * A channel and the memory that it is in; move only. Both go when this does, so
 * do not move channel() out of it. Since 0.1.0.
 */
class SharedChannel
{
  public:
    /** None. */
    SharedChannel() noexcept = default;

    /** Takes over what ipc_channel_accept made. */
    explicit SharedChannel(const IpcSharedChannel &shared) noexcept
        : shared_(shared), channel_(shared.channel)
    {
    }

    SharedChannel(SharedChannel &&other) noexcept
        : shared_(std::exchange(other.shared_, IpcSharedChannel{})),
          channel_(std::move(other.channel_))
    {
    }

    SharedChannel &operator=(SharedChannel &&other) noexcept
    {
        SharedChannel old(std::move(other));

        std::swap(shared_, old.shared_);
        std::swap(channel_, old.channel_);
        return *this;
    }

    ~SharedChannel()
    {
        channel_.release();
        if (shared_.channel) {
            [[maybe_unused]] const auto r = ipc_channel_leave_shared(&shared_);
        }
    }

#if defined(__cpp_exceptions)
    /** Receives what Channel::share() or ipc_channel_share sent over a
     * connected Unix socket, maps the memory and joins. The sender is not
     * trusted. Statuses as ipc_channel_accept. Allocates; blocks as the socket
     * does. Since 0.1.0. */
    static SharedChannel accept(
        int socket,
        const IpcChannelConfiguration &configuration = default_configuration())
    {
        return accept_by(socket, configuration, detail::Raise());
    }
#endif

    static SharedChannel accept(int socket,
                                const IpcChannelConfiguration &configuration,
                                std::error_code &error) noexcept
    {
        return accept_by(socket, configuration, detail::Assign(error));
    }

    static SharedChannel accept(int socket, std::error_code &error) noexcept
    {
        return accept(socket, default_configuration(), error);
    }

    explicit operator bool() const noexcept
    {
        return static_cast<bool>(channel_);
    }

    Channel &channel() noexcept
    {
        return channel_;
    }

    /** Whether a process that has the memory could cut it short, which makes
     * using it a SIGBUS; see IpcSharedChannel. */
    bool can_shrink() const noexcept
    {
        return shared_.can_shrink;
    }

  private:
    template <class Report>
    static SharedChannel accept_by(int socket,
                                   const IpcChannelConfiguration &configuration,
                                   Report report)
    {
        const auto r = ipc_channel_accept(socket, configuration);

        if (r.ipc_status == IPC_OK)
            return SharedChannel(r.result);
        report(r);
        return SharedChannel();
    }

    IpcSharedChannel shared_{};
    Channel channel_;
};

} // namespace shmipc

#endif
