/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: how long to wait.
 */
#ifndef SHMIPC_CPP_TIMEOUT_HPP
#define SHMIPC_CPP_TIMEOUT_HPP

#include <chrono>
#include <cstdint>
#include <ctime>
#include <limits>
#include <sched.h> /* struct timespec, as in ipc_channel.h */

namespace shmipc
{

/**
 * Any std::chrono::duration, as what the C calls take: `read_for(100ms)`. What
 * is negative, or no number, is zero: not to wait. What is longer than can be
 * told, such as hours::max(), is as long as can be told: decades at least.
 * Fractions of a nanosecond are rounded up. Since 0.1.0.
 */
class Timeout
{
  public:
    template <class Rep, class Period>
    Timeout(std::chrono::duration<Rep, Period> timeout) noexcept
    {
        using std::chrono::nanoseconds;
        using std::chrono::seconds;

        /* In floating point first: the conversions below could overflow. */
        const std::chrono::duration<double> rough = timeout;

        if (!(rough.count() > 0))
            return;
        if (rough.count() >= static_cast<double>(longest)) {
            time_.tv_sec = static_cast<std::time_t>(longest);
            return;
        }
        const auto whole = std::chrono::floor<seconds>(timeout);
        const auto rest = std::chrono::ceil<nanoseconds>(timeout - whole);

        time_.tv_sec = static_cast<std::time_t>(whole.count());
        if (rest < seconds(1)) {
            time_.tv_nsec = static_cast<long>(rest.count());
        } else {
            time_.tv_sec++;
        }
    }

    /** For C calls that take one; valid as long as this is. */
    const timespec *get() const noexcept
    {
        return &time_;
    }

  private:
    /* Seconds whose nanoseconds fit into 64 bits, and which fit into a time_t
     * of 32. */
    static constexpr std::int64_t longest = std::numeric_limits<int>::max();

    timespec time_{};
};

} // namespace shmipc

#endif
