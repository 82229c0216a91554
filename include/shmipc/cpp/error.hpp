/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++, errors. Each call that can fail has two forms: one throws
 * shmipc::Error; the other takes a std::error_code as its last argument, does
 * not throw, and sets it exactly where the first would throw (and clears it
 * elsewhere). With -fno-exceptions only the second is there.
 *
 * Codes are statuses in shmipc::category(), so that `error == IPC_ERR_TIMEOUT`
 * says what it seems to. A failed system call (IPC_ERR_SYSTEM) is its errno in
 * std::system_category() instead, where it is known. Codes also compare with
 * std::errc: a timeout is std::errc::timed_out.
 */
#ifndef SHMIPC_CPP_ERROR_HPP
#define SHMIPC_CPP_ERROR_HPP

#include <shmipc/ipc_common.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <type_traits>

/* Lets a status be compared with, and assigned to, a std::error_code. */
template <> struct std::is_error_code_enum<IpcStatus> : std::true_type {
};

namespace shmipc
{

namespace detail
{

class Category final : public std::error_category
{
  public:
    const char *name() const noexcept override
    {
        return "shmipc";
    }

    std::string message(int status) const override
    {
        return ipc_status_text(static_cast<IpcStatus>(status));
    }

    std::error_condition
    default_error_condition(int status) const noexcept override
    {
        switch (status) {
        case IPC_EMPTY:
        case IPC_ERR_NOT_READY:
        case IPC_ERR_LOCKED:
        case IPC_ERR_INITIALIZING:
            return std::errc::resource_unavailable_try_again;
        case IPC_ERR_TIMEOUT:
            return std::errc::timed_out;
        case IPC_ERR_CLOSED:
            return std::errc::broken_pipe;
        case IPC_ERR_NO_SPACE_CONTIGUOUS:
            return std::errc::no_buffer_space;
        case IPC_ERR_ENTRY_TOO_LARGE:
            return std::errc::message_size;
        case IPC_ERR_INVALID_ARGUMENT:
            return std::errc::invalid_argument;
        case IPC_ERR_ALLOCATION:
            return std::errc::not_enough_memory;
        case IPC_ERR_UNSUPPORTED:
            return std::errc::not_supported;
        case IPC_ERR_INTERRUPTED:
            return std::errc::interrupted;
        case IPC_ERR_EXISTS:
            return std::errc::file_exists;
        case IPC_ERR_NOT_FOUND:
            return std::errc::no_such_file_or_directory;
        case IPC_ERR_IN_USE:
            return std::errc::device_or_resource_busy;
        case IPC_ERR_PRODUCERS_DEAD:
        case IPC_ERR_CONSUMERS_DEAD:
            return std::errc::owner_dead;
        default:
            return {status, *this};
        }
    }
};

/* For a std::unique_ptr: gives a handle to the C call that ends it, whose
 * result says nothing that could be acted on. */
template <auto Function> struct Gives {
    template <class Handle> void operator()(Handle *handle) const noexcept
    {
        [[maybe_unused]] const auto r = Function(handle);
    }
};

} // namespace detail

/** The category of statuses: its name is "shmipc", its messages are those of
 * ipc_status_text. Any thread. Since 0.1.0. */
IPC_API inline const std::error_category &category() noexcept
{
    static const detail::Category the_category;

    return the_category;
}

} // namespace shmipc

/** What std::error_code finds a status by, in the status's own namespace, which
 * is that of C. Since 0.1.0. */
inline std::error_code make_error_code(IpcStatus status) noexcept
{
    return {static_cast<int>(status), shmipc::category()};
}

namespace shmipc
{

namespace detail
{

/* What a call that failed says about it. */
struct Failure {
    IpcStatus status;
    const char *detail;
    int sys_errno;
    std::uint64_t required_size;
    std::uint64_t lost = 0;

    std::error_code code() const noexcept
    {
        if (status == IPC_ERR_SYSTEM && sys_errno != 0)
            return {sys_errno, std::system_category()};
        return make_error_code(status);
    }
};

/* Members that some error bodies have. A call whose body has no errno leaves
 * it where C does. */
template <class Body>
auto errno_of(const Body &body, int) noexcept -> decltype(body.sys_errno)
{
    return body.sys_errno;
}

template <class Body> int errno_of(const Body &, long) noexcept
{
    return errno;
}

template <class Body>
auto size_of(const Body &body, int) noexcept -> decltype(body.required_size)
{
    return body.required_size;
}

template <class Body> std::uint64_t size_of(const Body &, long) noexcept
{
    return 0;
}

template <class Body>
auto lost_of(const Body &body, int) noexcept -> decltype(body.lost)
{
    return body.lost;
}

template <class Body> std::uint64_t lost_of(const Body &, long) noexcept
{
    return 0;
}

inline Failure failure_of(const Failure &failure) noexcept
{
    return failure;
}

/* A status that is not negative comes without an error. */
template <class R> Failure failure_of(const R &r) noexcept
{
    Failure failure{r.ipc_status, ipc_status_text(r.ipc_status), 0, 0};

    if (r.ipc_status >= 0)
        return failure;
    failure.detail = r.error.detail;
    if (r.error.has_body) {
        failure.sys_errno = errno_of(r.error.body, 0);
        failure.required_size = size_of(r.error.body, 0);
        failure.lost = lost_of(r.error.body, 0);
    }
    return failure;
}

} // namespace detail

#if defined(__cpp_exceptions)

/**
 * What the throwing forms throw. what() is what the call says was wrong and
 * what to do, and the message of code(). Since 0.1.0.
 */
class IPC_API Error : public std::system_error
{
  public:
    explicit Error(const detail::Failure &failure)
        : std::system_error(failure.code(), failure.detail),
          status_(failure.status), required_size_(failure.required_size),
          lost_(failure.lost)
    {
    }

    /** The status, which is IPC_ERR_SYSTEM where code() is an errno. */
    IpcStatus status() const noexcept
    {
        return status_;
    }

    /** Bytes that the call says it needs (IPC_ERR_TOO_SMALL), or that the next
     * entry has (IPC_ERR_SIZE_MISMATCH); 0 where it does not say. */
    std::uint64_t required_size() const noexcept
    {
        return required_size_;
    }

    /** Bytes that a subscriber that may lag did not get (IPC_ERR_LAGGED); its
     * next read goes on behind them. Else 0. */
    std::uint64_t lost() const noexcept
    {
        return lost_;
    }

  private:
    IpcStatus status_;
    std::uint64_t required_size_;
    std::uint64_t lost_;
};

#endif

namespace detail
{

/* The two forms of a call are one function that is given one of these, to call
 * with a C result, or a Failure, that is an error. */
#if defined(__cpp_exceptions)
struct Raise {
    template <class R> [[noreturn]] void operator()(const R &r) const
    {
        throw Error(failure_of(r));
    }
};
#endif

class Assign
{
  public:
    explicit Assign(std::error_code &error) noexcept : error_(error)
    {
        error_.clear();
    }

    template <class R> void operator()(const R &r) const noexcept
    {
        error_ = failure_of(r).code();
    }

  private:
    std::error_code &error_;
};

} // namespace detail

} // namespace shmipc

#endif
