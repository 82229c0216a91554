/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: broadcast, see ipc_subscribe.h: what a Channel and a
 * Buffer have for it. Every subscriber reads every entry:
 *
 *     auto options = shmipc::open_options();
 *     options.configuration.flags = IPC_BUFFER_BROADCAST;
 *     auto channel = shmipc::Channel::open("/prices", &options);
 *     channel.subscribe();
 *     while (auto message = channel.read())
 *         use(message.data(), message.size());
 *
 * An object that goes unsubscribes.
 */
#ifndef SHMIPC_CPP_SUBSCRIBE_HPP
#define SHMIPC_CPP_SUBSCRIBE_HPP

#include <shmipc/cpp/error.hpp>
#include <shmipc/ipc_subscribe.h>

#include <cstddef>
#include <memory>
#include <new>

namespace shmipc
{

/** How to subscribe, to be filled in; `struct_size` is set. Since 0.1.0. */
inline IpcSubscription
subscription(IpcSubscribeFrom from = IPC_SUBSCRIBE_FROM_NOW) noexcept
{
    IpcSubscription subscription{};

    subscription.struct_size = sizeof subscription;
    subscription.from = from;
    return subscription;
}

namespace detail
{

/* The C calls for each kind of handle. */
inline auto subscribe(IpcChannel *handle, const IpcSubscription *how) noexcept
{
    return ipc_channel_subscribe(handle, how);
}

inline auto subscribe(IpcBuffer *handle, const IpcSubscription *how) noexcept
{
    return ipc_buffer_subscribe(handle, how);
}

inline auto unsubscribe(IpcChannel *handle) noexcept
{
    return ipc_channel_unsubscribe(handle);
}

inline auto unsubscribe(IpcBuffer *handle) noexcept
{
    return ipc_buffer_unsubscribe(handle);
}

inline auto list_subscribers(const IpcChannel *handle, IpcSubscriber *to,
                             std::size_t room) noexcept
{
    return ipc_channel_subscribers(handle, to, room);
}

inline auto list_subscribers(const IpcBuffer *handle, IpcSubscriber *to,
                             std::size_t room) noexcept
{
    return ipc_buffer_subscribers(handle, to, room);
}

} // namespace detail

/** Who had subscribed at a moment: IpcSubscribers to go through; move only.
 * Since 0.1.0. */
class Subscribers
{
  public:
    /** None. */
    Subscribers() noexcept = default;

    const IpcSubscriber *begin() const noexcept
    {
        return list_.get();
    }

    const IpcSubscriber *end() const noexcept
    {
        return list_.get() + size_;
    }

    std::size_t size() const noexcept
    {
        return size_;
    }

    bool empty() const noexcept
    {
        return size_ == 0;
    }

    /** The one that is furthest behind, or nullptr. */
    const IpcSubscriber *slowest() const noexcept
    {
        const IpcSubscriber *found = nullptr;

        for (const IpcSubscriber &one : *this)
            if (found == nullptr || one.lag > found->lag)
                found = &one;
        return found;
    }

  private:
    template <class Owner> friend class BasicSubscribing;

    template <class Handle, class Report>
    static Subscribers of(const Handle *handle, const Report &report)
    {
        Subscribers found;
        auto r = detail::list_subscribers(handle, nullptr, 0);

        /* More may come between two calls: until there was room for all. */
        while (r.ipc_status == IPC_OK && r.result > found.room_) {
            if (!found.make_room(r.result)) {
                report(detail::Failure{IPC_ERR_ALLOCATION,
                                       "no memory for a list of subscribers", 0,
                                       0});
                return Subscribers();
            }
            r = detail::list_subscribers(handle, found.list_.get(),
                                         found.room_);
        }
        if (r.ipc_status != IPC_OK) {
            report(r);
            return Subscribers();
        }
        found.size_ = r.result;
        return found;
    }

    bool make_room(std::size_t room) noexcept
    {
        list_.reset(new (std::nothrow) IpcSubscriber[room]());
        if (list_ == nullptr)
            return false;
        list_[0].struct_size = sizeof list_[0];
        room_ = room;
        return true;
    }

    std::unique_ptr<IpcSubscriber[]> list_;
    std::size_t size_ = 0, room_ = 0;
};

/** The members of a Channel and a Buffer, `Owner`, for broadcast. Statuses are
 * those of the C calls that are named. */
template <class Owner> class BasicSubscribing
{
  public:
#if defined(__cpp_exceptions)
    /** Makes it a subscriber, that misses nothing from there on, as
     * ipc_channel_subscribe or ipc_buffer_subscribe. No other thread may be
     * reading with it. Since 0.1.0. */
    void subscribe(IpcSubscribeFrom from = IPC_SUBSCRIBE_FROM_NOW)
    {
        subscribe_by(subscription(from), detail::Raise());
    }

    /** The same with all that can be chosen, see subscription().
     * Since 0.1.0. */
    void subscribe(const IpcSubscription &how)
    {
        subscribe_by(how, detail::Raise());
    }

    /** Ends that, as ipc_channel_unsubscribe or ipc_buffer_unsubscribe.
     * Since 0.1.0. */
    void unsubscribe()
    {
        unsubscribe_by(detail::Raise());
    }

    /** Who has subscribed, and how far behind each is, as
     * ipc_channel_subscribers or ipc_buffer_subscribers. Allocates. Any number
     * of threads. Since 0.1.0. */
    Subscribers subscribers() const
    {
        return Subscribers::of(handle(), detail::Raise());
    }
#endif

    void subscribe(const IpcSubscription &how, std::error_code &error) noexcept
    {
        subscribe_by(how, detail::Assign(error));
    }

    void subscribe(IpcSubscribeFrom from, std::error_code &error) noexcept
    {
        subscribe(subscription(from), error);
    }

    void subscribe(std::error_code &error) noexcept
    {
        subscribe(IPC_SUBSCRIBE_FROM_NOW, error);
    }

    void unsubscribe(std::error_code &error) noexcept
    {
        unsubscribe_by(detail::Assign(error));
    }

    Subscribers subscribers(std::error_code &error) const noexcept
    {
        return Subscribers::of(handle(), detail::Assign(error));
    }

  private:
    friend Owner;

    /* Parts of an Owner alone. */
    BasicSubscribing() noexcept = default;

    auto handle() const noexcept
    {
        return static_cast<const Owner *>(this)->get();
    }

    template <class Report>
    void subscribe_by(const IpcSubscription &how, Report report)
    {
        const auto r = detail::subscribe(handle(), &how);

        if (r.ipc_status != IPC_OK)
            report(r);
    }

    template <class Report> void unsubscribe_by(Report report)
    {
        const auto r = detail::unsubscribe(handle());

        if (r.ipc_status != IPC_OK)
            report(r);
    }
};

} // namespace shmipc

#endif
