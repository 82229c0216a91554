/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: a channel whose entries are all of one type.
 *
 *     shmipc::TypedChannel<Tick> ticks(shmipc::Channel::open("/ticks"));
 *
 *     ticks.write({42, 99.5});
 *     while (auto tick = ticks.read())
 *         use(tick->price);
 */
#ifndef SHMIPC_CPP_TYPED_HPP
#define SHMIPC_CPP_TYPED_HPP

#include <shmipc/cpp/channel.hpp>
#include <shmipc/ipc_batch.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

namespace shmipc
{

/** An entry read where it lies, as a T; see BasicEntry for when it can be
 * relied on, and what take() and leave() do. Since 0.1.0. */
template <class T> class [[nodiscard]] TypedEntry
{
  public:
    TypedEntry() noexcept = default;

    explicit TypedEntry(Entry entry) noexcept : entry_(std::move(entry))
    {
    }

    explicit operator bool() const noexcept
    {
        return static_cast<bool>(entry_);
    }

    IpcStatus status() const noexcept
    {
        return entry_.status();
    }

    /** nullptr if there is no entry. */
    const T *get() const noexcept
    {
        return std::launder(reinterpret_cast<const T *>(entry_.data()));
    }

    const T &operator*() const noexcept
    {
        return *get();
    }

    const T *operator->() const noexcept
    {
        return get();
    }

    std::uint64_t offset() const noexcept
    {
        return entry_.offset();
    }

#if defined(__cpp_exceptions)
    [[nodiscard]] bool take()
    {
        return entry_.take();
    }
#endif

    [[nodiscard]] bool take(std::error_code &error) noexcept
    {
        return entry_.take(error);
    }

    void leave() noexcept
    {
        entry_.leave();
    }

  private:
    Entry entry_;
};

/** Space for a T that is written where it lies; see BasicReservation. The T was
 * made without an initialiser: members that have none hold something old until
 * they are set. Since 0.1.0. */
template <class T> class [[nodiscard]] TypedReservation
{
  public:
    TypedReservation() noexcept = default;

    /** `space` is large enough for a T, or none. */
    explicit TypedReservation(Reservation space) noexcept
        : space_(std::move(space)),
          object_(space_ ? ::new (space_.data()) T : nullptr)
    {
    }

    TypedReservation(TypedReservation &&other) noexcept
        : space_(std::move(other.space_)),
          object_(std::exchange(other.object_, nullptr))
    {
    }

    TypedReservation &operator=(TypedReservation &&other) noexcept
    {
        space_ = std::move(other.space_);
        object_ = std::exchange(other.object_, nullptr);
        return *this;
    }

    explicit operator bool() const noexcept
    {
        return object_ != nullptr;
    }

    IpcStatus status() const noexcept
    {
        return space_.status();
    }

    /** nullptr if there is no space, or not any more. */
    T *get() const noexcept
    {
        return object_;
    }

    T &operator*() const noexcept
    {
        return *object_;
    }

    T *operator->() const noexcept
    {
        return object_;
    }

#if defined(__cpp_exceptions)
    void commit()
    {
        space_.commit(sizeof(T));
        object_ = nullptr;
    }
#endif

    void commit(std::error_code &error) noexcept
    {
        space_.commit(sizeof(T), error);
        if (!space_)
            object_ = nullptr;
    }

    void abort() noexcept
    {
        space_.abort();
        object_ = nullptr;
    }

  private:
    Reservation space_;
    T *object_ = nullptr;
};

/**
 * A channel of Ts, bytes that mean the same in every process: no pointers, no
 * references, nothing that owns. It owns the channel. All that use it have to
 * mean the same T; what is checked is its size, exactly. An entry of another
 * size is IPC_ERR_SIZE_MISMATCH and stays: channel() can read it, whatever it
 * is. One of the right size is also aligned for a T. Names, threads, blocking
 * and statuses are those of Channel. Since 0.1.0.
 */
template <class T> class TypedChannel
{
    static_assert(std::is_trivially_copyable_v<T>,
                  "only bytes go through shared memory: a type that is not "
                  "trivially copyable owns or refers to something else");
    static_assert(!std::is_pointer_v<T> && !std::is_member_pointer_v<T>,
                  "an address means nothing in another process");
    static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>,
                  "a channel of const or volatile objects cannot be read");

  public:
    /** None. */
    TypedChannel() noexcept = default;

    explicit TypedChannel(Channel channel) noexcept
        : channel_(std::move(channel))
    {
    }

#if defined(__cpp_exceptions)
    /** Writes a copy of `value`; false if the channel is full. */
    [[nodiscard]] bool try_write(const T &value)
    {
        return channel_.try_write({&value, sizeof value});
    }

    void write(const T &value)
    {
        channel_.write({&value, sizeof value});
    }

    [[nodiscard]] bool write_for(const T &value, Timeout timeout)
    {
        return channel_.write_for({&value, sizeof value}, timeout);
    }

    /** Writes as many of `count` values as there is space for, by one call, as
     * ipc_channel_write_array; how many that was. Never blocks. */
    [[nodiscard]] std::size_t try_write_some(const T *values, std::size_t count)
    {
        return write_some_by(values, count, detail::Raise());
    }

    /** Reads and consumes a copy of the next value, if there is one. */
    Result<T> try_read()
    {
        return read_one_by(Wait::no, nullptr, detail::Raise());
    }

    Result<T> read()
    {
        return read_one_by(Wait::yes, nullptr, detail::Raise());
    }

    Result<T> read_for(Timeout timeout)
    {
        return read_one_by(Wait::yes, timeout.get(), detail::Raise());
    }

    /** Reads up to `room` values by one call, as ipc_channel_try_read_array,
     * and says how many. Those that wait do so for the first one. */
    Result<std::size_t> try_read_some(T *values, std::size_t room)
    {
        return read_some_by(values, room, Wait::no, nullptr, detail::Raise());
    }

    Result<std::size_t> read_some(T *values, std::size_t room)
    {
        return read_some_by(values, room, Wait::yes, nullptr, detail::Raise());
    }

    Result<std::size_t> read_some_for(T *values, std::size_t room,
                                      Timeout timeout)
    {
        return read_some_by(values, room, Wait::yes, timeout.get(),
                            detail::Raise());
    }

    /** Looks at the next value where it lies. */
    TypedEntry<T> try_peek()
    {
        return peeked_by(channel_.try_peek(), detail::Raise());
    }

    TypedEntry<T> peek()
    {
        return peeked_by(channel_.peek(), detail::Raise());
    }

    TypedEntry<T> peek_for(Timeout timeout)
    {
        return peeked_by(channel_.peek_for(timeout), detail::Raise());
    }

    /** Space for a value that is written where it lies. */
    TypedReservation<T> try_reserve()
    {
        return reserved(channel_.try_reserve(sizeof(T)));
    }

    TypedReservation<T> reserve()
    {
        return reserved(channel_.reserve(sizeof(T)));
    }

    TypedReservation<T> reserve_for(Timeout timeout)
    {
        return reserved(channel_.reserve_for(sizeof(T), timeout));
    }

    /** As Channel::close(). */
    void close()
    {
        channel_.close();
    }
#endif

    [[nodiscard]] bool try_write(const T &value,
                                 std::error_code &error) noexcept
    {
        return channel_.try_write({&value, sizeof value}, error);
    }

    void write(const T &value, std::error_code &error) noexcept
    {
        channel_.write({&value, sizeof value}, error);
    }

    [[nodiscard]] bool write_for(const T &value, Timeout timeout,
                                 std::error_code &error) noexcept
    {
        return channel_.write_for({&value, sizeof value}, timeout, error);
    }

    [[nodiscard]] std::size_t try_write_some(const T *values, std::size_t count,
                                             std::error_code &error) noexcept
    {
        return write_some_by(values, count, detail::Assign(error));
    }

    Result<T> try_read(std::error_code &error) noexcept
    {
        return read_one_by(Wait::no, nullptr, detail::Assign(error));
    }

    Result<T> read(std::error_code &error) noexcept
    {
        return read_one_by(Wait::yes, nullptr, detail::Assign(error));
    }

    Result<T> read_for(Timeout timeout, std::error_code &error) noexcept
    {
        return read_one_by(Wait::yes, timeout.get(), detail::Assign(error));
    }

    Result<std::size_t> try_read_some(T *values, std::size_t room,
                                      std::error_code &error) noexcept
    {
        return read_some_by(values, room, Wait::no, nullptr,
                            detail::Assign(error));
    }

    Result<std::size_t> read_some(T *values, std::size_t room,
                                  std::error_code &error) noexcept
    {
        return read_some_by(values, room, Wait::yes, nullptr,
                            detail::Assign(error));
    }

    Result<std::size_t> read_some_for(T *values, std::size_t room,
                                      Timeout timeout,
                                      std::error_code &error) noexcept
    {
        return read_some_by(values, room, Wait::yes, timeout.get(),
                            detail::Assign(error));
    }

    TypedEntry<T> try_peek(std::error_code &error) noexcept
    {
        return peeked_or(channel_.try_peek(error), error);
    }

    TypedEntry<T> peek(std::error_code &error) noexcept
    {
        return peeked_or(channel_.peek(error), error);
    }

    TypedEntry<T> peek_for(Timeout timeout, std::error_code &error) noexcept
    {
        return peeked_or(channel_.peek_for(timeout, error), error);
    }

    TypedReservation<T> try_reserve(std::error_code &error) noexcept
    {
        return reserved(channel_.try_reserve(sizeof(T), error));
    }

    TypedReservation<T> reserve(std::error_code &error) noexcept
    {
        return reserved(channel_.reserve(sizeof(T), error));
    }

    TypedReservation<T> reserve_for(Timeout timeout,
                                    std::error_code &error) noexcept
    {
        return reserved(channel_.reserve_for(sizeof(T), timeout, error));
    }

    void close(std::error_code &error) noexcept
    {
        channel_.close(error);
    }

    explicit operator bool() const noexcept
    {
        return static_cast<bool>(channel_);
    }

    /** The channel, for all else. */
    Channel &channel() noexcept
    {
        return channel_;
    }

    const Channel &channel() const noexcept
    {
        return channel_;
    }

  private:
    enum class Wait { no, yes };

    static int limited(std::size_t count) noexcept
    {
        constexpr auto most =
            static_cast<std::size_t>(std::numeric_limits<int>::max());

        return static_cast<int>(count < most ? count : most);
    }

    template <class Report>
    std::size_t write_some_by(const T *values, std::size_t count, Report report)
    {
        const auto r = ipc_channel_write_array(channel_.get(), values,
                                               sizeof(T), limited(count));

        if (r.ipc_status == IPC_OK)
            return r.result;
        if (!detail::is_full(r.ipc_status))
            report(r);
        return 0;
    }

    /* Array calls compare sizes before they consume, so a single value goes
     * through one, too. */
    auto read_array(void *values, std::size_t room, Wait wait,
                    const timespec *timeout) noexcept
    {
        if (wait == Wait::no)
            return ipc_channel_try_read_array(channel_.get(), values, sizeof(T),
                                              limited(room));
        return ipc_channel_read_array_with_timeout(
            channel_.get(), values, sizeof(T), limited(room), timeout);
    }

    template <class Report>
    Result<T> read_one_by(Wait wait, const timespec *timeout, Report report)
    {
        Result<T> result(IPC_EMPTY);
        const auto r = read_array(result.place(), 1, wait, timeout);

        if (r.ipc_status != IPC_OK && !detail::is_nothing(r.ipc_status))
            report(r);
        result.set(r.ipc_status);
        return result;
    }

    template <class Report>
    Result<std::size_t> read_some_by(T *values, std::size_t room, Wait wait,
                                     const timespec *timeout, Report report)
    {
        const auto r = read_array(values, room, wait, timeout);

        if (r.ipc_status == IPC_OK)
            return {IPC_OK, r.result};
        if (!detail::is_nothing(r.ipc_status))
            report(r);
        return Result<std::size_t>(r.ipc_status);
    }

    template <class Report>
    static TypedEntry<T> peeked_by(Entry entry, Report report)
    {
        /* An entry begins a block. Items of an array follow each other at
         * multiples of their size, rounded up to 8, from there: a T's size is a
         * multiple of its alignment, which is a power of two up to a block. */
        static_assert(alignof(T) <= IPC_BUFFER_BLOCK_SIZE,
                      "no entry is aligned that much: read it by copy");

        if (!entry || entry.size() == sizeof(T))
            return TypedEntry<T>(std::move(entry));

        const detail::Failure failure{
            IPC_ERR_SIZE_MISMATCH,
            "the next entry has another size than the channel's type: somebody "
            "writes another type",
            0, entry.size()};

        entry.leave();
        report(failure);
        return TypedEntry<T>(Entry(failure.status));
    }

    /* What the peek said in `error` must not be cleared. */
    static TypedEntry<T> peeked_or(Entry entry, std::error_code &error) noexcept
    {
        if (!entry)
            return TypedEntry<T>(std::move(entry));
        return peeked_by(std::move(entry), detail::Assign(error));
    }

    static TypedReservation<T> reserved(Reservation space) noexcept
    {
        static_assert(alignof(T) <= IPC_BUFFER_BLOCK_SIZE,
                      "no entry is aligned that much: write a copy");
        return TypedReservation<T>(std::move(space));
    }

    Channel channel_;
};

} // namespace shmipc

#endif
