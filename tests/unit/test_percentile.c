/* SPDX-License-Identifier: MIT */
/*
 * What the example prints of latencies: a figure that was measured, or that it
 * was not. The source itself is in the test.
 */
#include <stdarg.h>
#include <stdio.h>

int example_main(void);
__attribute__((format(printf, 1, 2))) static int
print_to_test(const char *format, ...);

#define main   example_main
#define printf print_to_test
#include "../../examples/two_processes.c"
#undef printf
#undef main

#include <criterion/criterion.h>

static struct account account;
static char text[256];

static int print_to_test(const char *format, ...)
{
    size_t before = strlen(text);
    va_list arguments;
    int count;

    va_start(arguments, format);
    count = vsnprintf(text + before, sizeof text - before, format, arguments);
    va_end(arguments);
    return count;
}

/* What is printed of so many that took 1 us, and of others that took longer
 * than is told apart. */
static const char *printed(uint64_t short_ones, uint64_t long_ones)
{
    text[0] = '\0';
    account.messages = short_ones + long_ones;
    account.latency[1000 / BUCKET_NS] = (uint32_t)short_ones;
    account.latency[BUCKETS - 1] = (uint32_t)long_ones;
    print_latency("one-way latency", &account, "polls");
    return text;
}

Test(unit, what_was_measured_is_printed)
{
    cr_assert_str_eq(printed(1000, 0), "  one-way latency    p50 1.00 us, p99 "
                                       "1.00 us (receiver polls)\n");
    cr_assert_str_eq(printed(1000, 5), "  one-way latency    p50 1.00 us, p99 "
                                       "1.00 us (receiver polls)\n");
}

Test(unit, what_took_longer_than_is_told_apart_is_no_measurement)
{
    cr_assert_str_eq(printed(900, 100), "  one-way latency    p50 1.00 us, p99 "
                                        ">= 2000.00 us (receiver polls)\n");
    cr_assert_str_eq(printed(1, 2), "  one-way latency    p50 >= 2000.00 us, "
                                    "p99 >= 2000.00 us (receiver polls)\n");
}
