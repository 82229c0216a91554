/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: who answers, see ipc_service.h.
 *
 *     auto service = shmipc::Service::open("/quotes");
 *     while (auto request = service.receive()) // until it is closed
 *         request.answer(quote_of(request.text()));
 */
#ifndef SHMIPC_CPP_SERVICE_HPP
#define SHMIPC_CPP_SERVICE_HPP

#include <shmipc/cpp/bytes.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/cpp/timeout.hpp>
#include <shmipc/ipc_service.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace shmipc
{

/** Options for a service, to be filled in; `struct_size` is set.
 * Since 0.1.0. */
inline IpcServiceOptions service_options() noexcept
{
    IpcServiceOptions options{};

    options.struct_size = sizeof options;
    return options;
}

/**
 * A request that was received; move only. One that goes without an answer is
 * refused, so that nobody waits for it in vain. Or none, and the reason. It
 * must not outlive its service. Since 0.1.0.
 */
class [[nodiscard]] Request
{
  public:
    /** None, for that reason. */
    explicit Request(IpcStatus status = IPC_EMPTY) noexcept : status_(status)
    {
    }

    /** Takes over what ipc_service_receive gave. */
    Request(IpcService *service, IpcRequest *request) noexcept
        : service_(service), request_(request), status_(IPC_OK)
    {
    }

    Request(Request &&other) noexcept
        : service_(other.service_),
          request_(std::exchange(other.request_, nullptr)),
          status_(std::exchange(other.status_, IPC_EMPTY))
    {
    }

    Request &operator=(Request &&other) noexcept
    {
        Request old(std::move(*this));

        service_ = other.service_;
        request_ = std::exchange(other.request_, nullptr);
        status_ = std::exchange(other.status_, IPC_EMPTY);
        return *this;
    }

    ~Request()
    {
        refuse();
    }

    /** Whether there is one that was not answered yet. */
    explicit operator bool() const noexcept
    {
        return request_ != nullptr;
    }

    /** IPC_OK, or why there is none. */
    IpcStatus status() const noexcept
    {
        return status_;
    }

    const std::byte *data() const noexcept
    {
        return request_ ? static_cast<const std::byte *>(request_->payload)
                        : nullptr;
    }

    std::size_t size() const noexcept
    {
        return request_ ? request_->size : 0;
    }

    std::string_view text() const noexcept
    {
        return {reinterpret_cast<const char *>(data()), size()};
    }

    /** As ipc_service_is_wanted. Since 0.1.0. */
    bool is_wanted() const noexcept
    {
        return ipc_service_is_wanted(service_, request_);
    }

    /** Answers; the request is over. What was not delivered is told by the
     * status, which is that of ipc_service_answer, and not as an error: there
     * is nothing to be done about it. IPC_ERR_INVALID_ARGUMENT if there is no
     * request. Since 0.1.0. */
    IpcStatus answer(Bytes bytes) noexcept
    {
        return ipc_service_answer(service_, std::exchange(request_, nullptr),
                                  bytes.data(), bytes.size())
            .ipc_status;
    }

    /** Ends it without an answer, if there is one. Since 0.1.0. */
    void refuse() noexcept
    {
        if (request_)
            ipc_service_refuse(service_, std::exchange(request_, nullptr));
    }

    /** For calls of C; still this object's. */
    IpcRequest *get() const noexcept
    {
        return request_;
    }

    /** Gives it up, to be answered by a call of C. */
    IpcRequest *release() noexcept
    {
        return std::exchange(request_, nullptr);
    }

  private:
    IpcService *service_ = nullptr;
    IpcRequest *request_ = nullptr;
    IpcStatus status_;
};

/**
 * What a process serves by; move only. Threads as in ipc_service.h; nobody may
 * be in a call when it is moved from, assigned to or destroyed. Statuses are
 * those of the C calls. A call on an empty one is IPC_ERR_INVALID_ARGUMENT.
 * Since 0.1.0.
 */
class Service
{
  public:
    /** None. */
    Service() noexcept = default;

    /** Takes over what ipc_service_open made. */
    explicit Service(IpcService *service) noexcept : service_(service)
    {
    }

#if defined(__cpp_exceptions)
    /** As ipc_service_open. Since 0.1.0. */
    static Service open(const char *name,
                        const IpcServiceOptions *options = nullptr)
    {
        return open_by(name, options, detail::Raise());
    }

    /** Waits for a request; none: IPC_ERR_CLOSED, IPC_ERR_INTERRUPTED.
     * Since 0.1.0. */
    Request receive()
    {
        return receive_by(nullptr, detail::Raise());
    }

    /** The same for at most so long: also IPC_ERR_TIMEOUT. Since 0.1.0. */
    Request receive_for(Timeout timeout)
    {
        return receive_by(timeout.get(), detail::Raise());
    }

    /** The same without waiting. Since 0.1.0. */
    Request try_receive()
    {
        const timespec zero{};

        return receive_by(&zero, detail::Raise());
    }

    /** As ipc_service_close. Since 0.1.0. */
    void close()
    {
        close_by(detail::Raise());
    }

    /** As ipc_service_fd. Since 0.1.0. */
    int fd()
    {
        return fd_by(detail::Raise());
    }

    /** As ipc_service_stats. Since 0.1.0. */
    IpcServiceStats stats()
    {
        return stats_by(detail::Raise());
    }
#endif

    static Service open(const char *name, const IpcServiceOptions *options,
                        std::error_code &error) noexcept
    {
        return open_by(name, options, detail::Assign(error));
    }

    static Service open(const char *name, std::error_code &error) noexcept
    {
        return open(name, nullptr, error);
    }

    Request receive(std::error_code &error) noexcept
    {
        return receive_by(nullptr, detail::Assign(error));
    }

    Request receive_for(Timeout timeout, std::error_code &error) noexcept
    {
        return receive_by(timeout.get(), detail::Assign(error));
    }

    Request try_receive(std::error_code &error) noexcept
    {
        const timespec zero{};

        return receive_by(&zero, detail::Assign(error));
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

    IpcServiceStats stats(std::error_code &error) noexcept
    {
        return stats_by(detail::Assign(error));
    }

    /** Ends the receive that is in progress, or else the next one; for any
     * thread and for signal handlers. Nothing on an empty one. Since 0.1.0. */
    void interrupt() noexcept
    {
        [[maybe_unused]] const auto r = ipc_service_interrupt(get());
    }

    explicit operator bool() const noexcept
    {
        return service_ != nullptr;
    }

    /** For calls of C; still this object's. */
    IpcService *get() const noexcept
    {
        return service_.get();
    }

    /** Gives it up, to be given to ipc_service_destroy. */
    IpcService *release() noexcept
    {
        return service_.release();
    }

  private:
    template <class Report>
    static Service open_by(const char *name, const IpcServiceOptions *options,
                           Report report)
    {
        const auto r = ipc_service_open(name, options);

        if (r.ipc_status == IPC_OK)
            return Service(r.result);
        report(r);
        return Service();
    }

    template <class Report>
    Request receive_by(const timespec *timeout, Report report)
    {
        const auto r = ipc_service_receive(get(), timeout);

        if (r.ipc_status == IPC_OK)
            return Request(get(), r.result);
        if (!detail::is_nothing(r.ipc_status))
            report(r);
        return Request(r.ipc_status);
    }

    template <class Report> void close_by(Report report)
    {
        const auto r = ipc_service_close(get());

        if (r.ipc_status != IPC_OK)
            report(r);
    }

    template <class Report> int fd_by(Report report)
    {
        const auto r = ipc_service_fd(get());

        if (r.ipc_status == IPC_OK)
            return r.result;
        report(r);
        return -1;
    }

    template <class Report> IpcServiceStats stats_by(Report report)
    {
        IpcServiceStats stats{};

        stats.struct_size = sizeof stats;
        const auto r = ipc_service_stats(get(), &stats);
        if (r.ipc_status != IPC_OK)
            report(r);
        return stats;
    }

    std::unique_ptr<IpcService, detail::Gives<&ipc_service_destroy>> service_;
};

} // namespace shmipc

#endif
