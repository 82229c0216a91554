/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: who asks, see ipc_service.h.
 *
 *     auto client = shmipc::Client::open("/quotes");
 *     auto answer = client.call_for("ACME", 1s);
 *     if (answer)
 *         use(answer.data(), answer.size());
 *
 * A call that gets no answer for a reason of everyday life gives an empty
 * Answer that tells it by status(): IPC_ERR_TIMEOUT, IPC_ERR_SERVER_DEAD,
 * IPC_ERR_CLOSED, IPC_ERR_CANCELLED, IPC_ERR_INTERRUPTED, and of collecting
 * IPC_EMPTY. All else is an error.
 */
#ifndef SHMIPC_CPP_CLIENT_HPP
#define SHMIPC_CPP_CLIENT_HPP

#include <shmipc/cpp/bytes.hpp>
#include <shmipc/cpp/error.hpp>
#include <shmipc/cpp/timeout.hpp>
#include <shmipc/ipc_service.h>

#include <cstddef>
#include <memory>
#include <string_view>

namespace shmipc
{

/** Options for a client, to be filled in; `struct_size` is set. Since 0.1.0. */
inline IpcClientOptions client_options() noexcept
{
    IpcClientOptions options{};

    options.struct_size = sizeof options;
    return options;
}

namespace detail
{

/* Whether a call got no answer for a reason of everyday life. */
inline bool is_unanswered(IpcStatus status) noexcept
{
    return status == IPC_EMPTY || status == IPC_ERR_TIMEOUT ||
           status == IPC_ERR_SERVER_DEAD || status == IPC_ERR_CLOSED ||
           status == IPC_ERR_CANCELLED || status == IPC_ERR_INTERRUPTED;
}

} // namespace detail

/**
 * An answer, in memory of its own, which it frees: move only. Or none, and the
 * reason. Since 0.1.0.
 */
class [[nodiscard]] Answer
{
  public:
    /** None, for that reason. `call` goes on if it can be collected later. */
    explicit Answer(IpcStatus status = IPC_EMPTY, IpcCall call = 0) noexcept
        : call_(call), status_(status)
    {
    }

    /** Takes over `answer.payload`, which malloc made. */
    explicit Answer(const IpcAnswer &answer) noexcept
        : message_(IpcEntry{0, answer.payload, answer.size}),
          call_(answer.call), status_(IPC_OK)
    {
    }

    /** Whether there is one. */
    explicit operator bool() const noexcept
    {
        return status_ == IPC_OK && message_;
    }

    /** IPC_OK, or why there is none. */
    IpcStatus status() const noexcept
    {
        return status_;
    }

    /** The call that it is about, or 0. After IPC_ERR_INTERRUPTED that one goes
     * on. */
    IpcCall call() const noexcept
    {
        return call_;
    }

    const std::byte *data() const noexcept
    {
        return message_.data();
    }

    std::size_t size() const noexcept
    {
        return message_.size();
    }

    std::string_view text() const noexcept
    {
        return message_.text();
    }

    /** A copy of it as a T, as Message::as(). */
    template <class T> Result<T> as() const noexcept
    {
        return status_ == IPC_OK ? message_.as<T>() : Result<T>(status_);
    }

  private:
    Message message_;
    IpcCall call_;
    IpcStatus status_;
};

/**
 * What a process calls by; move only. Any number of threads may use one at
 * once; nobody may be in a call when it is moved from, assigned to or
 * destroyed. Statuses are those of the C calls. A call on an empty one is
 * IPC_ERR_INVALID_ARGUMENT. Since 0.1.0.
 */
class Client
{
  public:
    /** None. */
    Client() noexcept = default;

    /** Takes over what ipc_client_open made. */
    explicit Client(IpcClient *client) noexcept : client_(client)
    {
    }

#if defined(__cpp_exceptions)
    /** As ipc_client_open. Since 0.1.0. */
    static Client open(const char *name,
                       const IpcClientOptions *options = nullptr)
    {
        return open_by(name, options, detail::Raise());
    }

    /** Sends and waits for the answer, for as long as somebody serves; as
     * ipc_client_call. Since 0.1.0. */
    Answer call(Bytes request)
    {
        return call_by(request, nullptr, detail::Raise());
    }

    /** The same for at most so long. Since 0.1.0. */
    Answer call_for(Bytes request, Timeout timeout)
    {
        return call_by(request, timeout.get(), detail::Raise());
    }

    /** Sends, for an answer to be collected later; as ipc_client_send. That
     * nobody serves, or that the time passed, is an error here.
     * Since 0.1.0. */
    [[nodiscard]] IpcCall send(Bytes request)
    {
        return send_by(request, nullptr, detail::Raise());
    }

    /** The same; the answer has to come within that time. Since 0.1.0. */
    [[nodiscard]] IpcCall send_for(Bytes request, Timeout timeout)
    {
        return send_by(request, timeout.get(), detail::Raise());
    }

    /** Waits for the answer until the call's deadline; as ipc_client_collect.
     * Since 0.1.0. */
    Answer collect(IpcCall call)
    {
        return collect_by(call, nullptr, detail::Raise());
    }

    /** The same for at most so long, and the call goes on then (IPC_EMPTY).
     * Since 0.1.0. */
    Answer collect_for(IpcCall call, Timeout timeout)
    {
        return collect_by(call, timeout.get(), detail::Raise());
    }

    /** The same for whichever call is over first; as ipc_client_collect_any.
     * Since 0.1.0. */
    Answer collect_any()
    {
        return collect_any_by(nullptr, detail::Raise());
    }

    /** The same for at most so long. Since 0.1.0. */
    Answer collect_any_for(Timeout timeout)
    {
        return collect_any_by(timeout.get(), detail::Raise());
    }

    /** Gives a call up, as ipc_client_cancel. Since 0.1.0. */
    void cancel(IpcCall call)
    {
        cancel_by(call, detail::Raise());
    }

    /** As ipc_client_fd. Since 0.1.0. */
    int fd()
    {
        return fd_by(detail::Raise());
    }
#endif

    static Client open(const char *name, const IpcClientOptions *options,
                       std::error_code &error) noexcept
    {
        return open_by(name, options, detail::Assign(error));
    }

    static Client open(const char *name, std::error_code &error) noexcept
    {
        return open(name, nullptr, error);
    }

    Answer call(Bytes request, std::error_code &error) noexcept
    {
        return call_by(request, nullptr, detail::Assign(error));
    }

    Answer call_for(Bytes request, Timeout timeout,
                    std::error_code &error) noexcept
    {
        return call_by(request, timeout.get(), detail::Assign(error));
    }

    /** 0 after an error. */
    IpcCall send(Bytes request, std::error_code &error) noexcept
    {
        return send_by(request, nullptr, detail::Assign(error));
    }

    IpcCall send_for(Bytes request, Timeout timeout,
                     std::error_code &error) noexcept
    {
        return send_by(request, timeout.get(), detail::Assign(error));
    }

    Answer collect(IpcCall call, std::error_code &error) noexcept
    {
        return collect_by(call, nullptr, detail::Assign(error));
    }

    Answer collect_for(IpcCall call, Timeout timeout,
                       std::error_code &error) noexcept
    {
        return collect_by(call, timeout.get(), detail::Assign(error));
    }

    Answer collect_any(std::error_code &error) noexcept
    {
        return collect_any_by(nullptr, detail::Assign(error));
    }

    Answer collect_any_for(Timeout timeout, std::error_code &error) noexcept
    {
        return collect_any_by(timeout.get(), detail::Assign(error));
    }

    void cancel(IpcCall call, std::error_code &error) noexcept
    {
        cancel_by(call, detail::Assign(error));
    }

    /** -1 after an error. */
    int fd(std::error_code &error) noexcept
    {
        return fd_by(detail::Assign(error));
    }

    /** Ends a wait of this client that is in progress, or else the next one;
     * from any thread. Nothing on an empty one. Since 0.1.0. */
    void interrupt() noexcept
    {
        [[maybe_unused]] const auto r = ipc_client_interrupt(get());
    }

    explicit operator bool() const noexcept
    {
        return client_ != nullptr;
    }

    /** For calls of C; still this object's. */
    IpcClient *get() const noexcept
    {
        return client_.get();
    }

    /** Gives it up, to be given to ipc_client_destroy. */
    IpcClient *release() noexcept
    {
        return client_.release();
    }

  private:
    template <class Report>
    static Client open_by(const char *name, const IpcClientOptions *options,
                          Report report)
    {
        const auto r = ipc_client_open(name, options);

        if (r.ipc_status == IPC_OK)
            return Client(r.result);
        report(r);
        return Client();
    }

    /* What a call gave that fills `answer`. */
    template <class R, class Report>
    static Answer answer_of(const R &r, const IpcAnswer &answer, Report report)
    {
        if (r.ipc_status == IPC_OK)
            return Answer(answer);
        if (!detail::is_unanswered(r.ipc_status))
            report(r);
        return Answer(r.ipc_status, r.ipc_status < 0 && r.error.has_body
                                        ? r.error.body.call
                                        : 0);
    }

    template <class Report>
    Answer call_by(Bytes request, const timespec *timeout, Report report)
    {
        IpcAnswer answer{};
        const auto r = ipc_client_call(get(), request.data(), request.size(),
                                       &answer, timeout);

        return answer_of(r, answer, report);
    }

    template <class Report>
    IpcCall send_by(Bytes request, const timespec *timeout, Report report)
    {
        const auto r =
            ipc_client_send(get(), request.data(), request.size(), timeout);

        if (r.ipc_status == IPC_OK)
            return r.result;
        report(r);
        return 0;
    }

    template <class Report>
    Answer collect_by(IpcCall call, const timespec *wait, Report report)
    {
        IpcAnswer answer{};
        const auto r = ipc_client_collect(get(), call, &answer, wait);

        return answer_of(r, answer, report);
    }

    template <class Report>
    Answer collect_any_by(const timespec *wait, Report report)
    {
        IpcAnswer answer{};
        const auto r = ipc_client_collect_any(get(), &answer, wait);

        return answer_of(r, answer, report);
    }

    template <class Report> void cancel_by(IpcCall call, Report report)
    {
        const auto r = ipc_client_cancel(get(), call);

        if (r.ipc_status != IPC_OK)
            report(r);
    }

    template <class Report> int fd_by(Report report)
    {
        const auto r = ipc_client_fd(get());

        if (r.ipc_status == IPC_OK)
            return r.result;
        report(r);
        return -1;
    }

    std::unique_ptr<IpcClient, detail::Gives<&ipc_client_destroy>> client_;
};

} // namespace shmipc

#endif
