/* SPDX-License-Identifier: MIT */
/*
 * Tests of the C++ headers are plain programs, so that each compiler and
 * standard can make one: a table of functions that call expect().
 */
#ifndef CPP_TEST_HPP
#define CPP_TEST_HPP

#include "../own_name.h"
#include <shmipc/ipc.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <string>

namespace cpp_test
{

inline int failures;

struct Case {
    const char *name;
    void (*run)();
};

inline void failed(const char *file, int line, const char *what)
{
    std::fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    failures++;
}

// Memory for a channel of a test.
struct Memory {
    alignas(64) std::array<unsigned char, 4096> bytes{};

    unsigned char *data()
    {
        return bytes.data();
    }

    std::size_t size() const
    {
        return bytes.size();
    }
};

inline std::string new_name()
{
    std::array<char, OWN_NAME_ROOM> name{};

    own_name(name.data(), "cpp");
    return name.data();
}

template <class Cases> int run_all(const Cases &cases)
{
    for (const Case &one : cases) {
        const int before = failures;

        one.run();
        std::printf("%s %s\n", failures == before ? "ok    " : "NOT OK",
                    one.name);
    }
    return failures != 0;
}

} // namespace cpp_test

#define expect(...)                                                            \
    do {                                                                       \
        if (!(__VA_ARGS__))                                                    \
            cpp_test::failed(__FILE__, __LINE__, #__VA_ARGS__);                \
    } while (0)

#if defined(__cpp_exceptions)
/* That `...` throws an Error with that code. */
#define expect_error(expected, ...)                                            \
    do {                                                                       \
        bool thrown = false;                                                   \
        try {                                                                  \
            static_cast<void>(__VA_ARGS__);                                    \
        } catch (const shmipc::Error &caught) {                                \
            thrown = caught.code() == (expected);                              \
        }                                                                      \
        if (!thrown)                                                           \
            cpp_test::failed(__FILE__, __LINE__,                               \
                             #__VA_ARGS__ " throws " #expected);               \
    } while (0)
#endif

#endif
