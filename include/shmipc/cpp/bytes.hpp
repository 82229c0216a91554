/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: bytes that calls are given, and what reads give back.
 */
#ifndef SHMIPC_CPP_BYTES_HPP
#define SHMIPC_CPP_BYTES_HPP

#include <shmipc/ipc_common.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#if defined(__has_include)
#if __has_include(<span>)
#include <span>
#endif
#endif

namespace shmipc
{

namespace detail
{

/* Whether a C has its elements in one piece, each of them only bytes that mean
 * the same in another process. Text in an array of char ends earlier. */
template <class C>
using ElementOf =
    std::remove_pointer_t<decltype(std::data(std::declval<C &>()))>;

template <class C, class = void> struct IsPiece : std::false_type {
};

template <class C>
struct IsPiece<
    C, std::void_t<ElementOf<C>, decltype(std::size(std::declval<C &>()))>>
    : std::bool_constant<
          std::is_trivially_copyable_v<ElementOf<C>> &&
          !std::is_pointer_v<ElementOf<C>> &&
          !(std::is_array_v<C> &&
            std::is_same_v<std::remove_cv_t<ElementOf<C>>, char>)> {
};

} // namespace detail

/**
 * Bytes to be written, a view of them: `{pointer, size}`, text, or all elements
 * of what has std::data and std::size: a std::span, vector, string, array. They
 * have to last as long as the call. Since 0.1.0.
 */
class Bytes
{
  public:
    constexpr Bytes(const void *data, std::size_t size) noexcept
        : data_(data), size_(size)
    {
    }

    /** Up to the NUL, which does not count. */
    Bytes(const char *text) noexcept : data_(text), size_(std::strlen(text))
    {
    }

    template <class C, class = std::enable_if_t<detail::IsPiece<C>::value>>
    Bytes(const C &piece) noexcept
        : data_(std::data(piece)),
          size_(std::size(piece) * sizeof(detail::ElementOf<const C>))
    {
    }

    constexpr const void *data() const noexcept
    {
        return data_;
    }

    constexpr std::size_t size() const noexcept
    {
        return size_;
    }

  private:
    const void *data_;
    std::size_t size_;
};

/** The same for bytes to be written to: memory for a channel, or for an entry
 * to be copied into. Since 0.1.0. */
class MutableBytes
{
  public:
    constexpr MutableBytes(void *data, std::size_t size) noexcept
        : data_(data), size_(size)
    {
    }

    template <class C, class = std::enable_if_t<
                           std::is_trivially_copyable_v<detail::ElementOf<C>> &&
                           !std::is_const_v<detail::ElementOf<C>>>>
    MutableBytes(C &&piece) noexcept
        : data_(std::data(piece)),
          size_(std::size(piece) * sizeof(detail::ElementOf<C>))
    {
    }

    constexpr void *data() const noexcept
    {
        return data_;
    }

    constexpr std::size_t size() const noexcept
    {
        return size_;
    }

  private:
    void *data_;
    std::size_t size_;
};

/**
 * The value that a call got, or the reason, no error, why there is none. A T is
 * trivially copyable. Since 0.1.0.
 */
template <class T> class [[nodiscard]] Result
{
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    explicit Result(IpcStatus status) noexcept : status_(status)
    {
    }

    Result(IpcStatus status, const T &value) noexcept : status_(status)
    {
        std::memcpy(bytes_, &value, sizeof value);
    }

    /** Whether there is a value. */
    explicit operator bool() const noexcept
    {
        return status_ == IPC_OK;
    }

    bool has_value() const noexcept
    {
        return status_ == IPC_OK;
    }

    /** IPC_OK, or why there is none. */
    IpcStatus status() const noexcept
    {
        return status_;
    }

    /** The value; there has to be one. */
    const T &operator*() const noexcept
    {
        return *std::launder(reinterpret_cast<const T *>(bytes_));
    }

    const T *operator->() const noexcept
    {
        return &**this;
    }

    T value_or(const T &otherwise) const noexcept
    {
        return status_ == IPC_OK ? **this : otherwise;
    }

    /* For calls here, which put bytes where the value is to be. */
    void *place() noexcept
    {
        return bytes_;
    }

    void set(IpcStatus status) noexcept
    {
        status_ = status;
    }

  private:
    /* Bytes, since T need not have a default constructor; who copies a T's
     * bytes here makes a T. Not cleared first: a T can be large. */
    alignas(T) unsigned char bytes_[sizeof(T)];
    IpcStatus status_;
};

/**
 * An entry that was read, in memory of its own, which it frees: move only. Or
 * none, and the reason. Since 0.1.0.
 */
class [[nodiscard]] Message
{
  public:
    /** None: IPC_EMPTY. */
    Message() noexcept = default;

    /** None, for that reason. */
    explicit Message(IpcStatus status) noexcept : status_(status)
    {
    }

    /** Takes over `entry.payload`, which malloc made. */
    explicit Message(const IpcEntry &entry) noexcept
        : payload_(static_cast<std::byte *>(entry.payload)), size_(entry.size),
          offset_(entry.offset), status_(IPC_OK)
    {
    }

    Message(Message &&other) noexcept
        : payload_(std::move(other.payload_)),
          size_(std::exchange(other.size_, 0)), offset_(other.offset_),
          status_(std::exchange(other.status_, IPC_EMPTY))
    {
    }

    Message &operator=(Message &&other) noexcept
    {
        payload_ = std::move(other.payload_);
        size_ = std::exchange(other.size_, 0);
        offset_ = other.offset_;
        status_ = std::exchange(other.status_, IPC_EMPTY);
        return *this;
    }

    /** Whether there is an entry. */
    explicit operator bool() const noexcept
    {
        return payload_ != nullptr;
    }

    /** IPC_OK, or why there is none. */
    IpcStatus status() const noexcept
    {
        return status_;
    }

    /** Its bytes, aligned as those of malloc; nullptr and 0 if there is none.
     */
    const std::byte *data() const noexcept
    {
        return payload_.get();
    }

    std::byte *data() noexcept
    {
        return payload_.get();
    }

    std::size_t size() const noexcept
    {
        return size_;
    }

    std::byte *begin() noexcept
    {
        return payload_.get();
    }

    std::byte *end() noexcept
    {
        return size_ ? payload_.get() + size_ : payload_.get();
    }

    const std::byte *begin() const noexcept
    {
        return payload_.get();
    }

    const std::byte *end() const noexcept
    {
        return size_ ? payload_.get() + size_ : payload_.get();
    }

    /** The entry's name, see IpcEntry. */
    std::uint64_t offset() const noexcept
    {
        return offset_;
    }

    /** Its bytes as text. */
    std::string_view text() const noexcept
    {
        return {reinterpret_cast<const char *>(payload_.get()), size_};
    }

#if defined(__cpp_lib_span)
    std::span<const std::byte> bytes() const noexcept
    {
        return {payload_.get(), size_};
    }
#endif

    /** A copy of it as a T. None if there is no entry, and with
     * IPC_ERR_SIZE_MISMATCH if it has another size. */
    template <class T> Result<T> as() const noexcept
    {
        Result<T> result(status_);

        if (status_ == IPC_OK && size_ != sizeof(T))
            result.set(IPC_ERR_SIZE_MISMATCH);
        else if (status_ == IPC_OK)
            std::memcpy(result.place(), payload_.get(), sizeof(T));
        return result;
    }

    /** Gives its memory up, to be freed with free(). */
    void *release() noexcept
    {
        size_ = 0;
        status_ = IPC_EMPTY;
        return payload_.release();
    }

  private:
    struct Free {
        void operator()(std::byte *payload) const noexcept
        {
            std::free(payload);
        }
    };

    std::unique_ptr<std::byte, Free> payload_;
    std::size_t size_ = 0;
    std::uint64_t offset_ = 0;
    IpcStatus status_ = IPC_EMPTY;
};

namespace detail
{

/* Whether a read got nothing for a reason of everyday life. */
inline bool is_nothing(IpcStatus status) noexcept
{
    return status == IPC_EMPTY || status == IPC_ERR_NOT_READY ||
           status == IPC_ERR_LOCKED || status == IPC_ERR_TIMEOUT ||
           status == IPC_ERR_INTERRUPTED || status == IPC_ERR_CLOSED;
}

/* The same for a write. That it was closed or interrupted is an error here:
 * what was to be written was not. */
inline bool is_full(IpcStatus status) noexcept
{
    return status == IPC_ERR_NO_SPACE_CONTIGUOUS || status == IPC_ERR_LOCKED ||
           status == IPC_ERR_TIMEOUT;
}

} // namespace detail

} // namespace shmipc

#endif
