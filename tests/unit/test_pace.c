/* SPDX-License-Identifier: MIT */
/*
 * How long a handle rests, by a clock and with pauses of the test's own: it is
 * built around the source.
 */
#include "helpers.h"

static uint64_t test_clock;
static uint64_t pauses;

static uint64_t test_ticks(void)
{
    return test_clock;
}

static void test_pause(void)
{
    pauses++;
}

#define atomic_ticks     test_ticks
#define atomic_cpu_relax test_pause
#include "buffer/pace.c"

enum { ENTRIES = 10, ROUND = PACE_RESTS * ENTRIES, LONGEST = 128 };

static struct pace pace;

/* A round of looks, the last of which ends it so many ticks after the round
 * before; the most pauses that a rest took. */
static uint64_t round_of(uint64_t time, uint32_t entries, uint32_t dense)
{
    uint64_t most = 0;

    test_clock += time;
    for (int i = 0; i < PACE_RESTS; i++) {
        bool rested;

        pauses = 0;
        rested = pace_rest(&pace, entries, dense);
        must(rested == (pauses > 0));
        most = pauses > most ? pauses : most;
    }
    return most;
}

/* The first round only starts the clock. */
static void begin(void)
{
    test_clock = UINT64_C(1) << 40;
    memset(&pace, 0, sizeof pace);
    round_of(0, ENTRIES, 0);
}

Test(unit, rests_get_longer_while_that_helps_but_not_longer_than_the_limit)
{
    uint64_t most = 0;

    begin();
    for (uint64_t i = 1; i <= 24; i++) {
        uint64_t rest = round_of(300000 / i, ENTRIES, 0);

        must(rest >= most && rest <= LONGEST);
        most = rest;
    }
    must(most == LONGEST);
}

Test(unit, rests_get_shorter_when_they_do_not_help)
{
    uint64_t longest = 0, last = 0;

    begin();
    for (uint64_t i = 1; i <= 5; i++)
        longest = round_of(300000 / i, ENTRIES, 0);
    must(longest >= 8);
    /* A sixteenth slower each time: back and forth, but no way up. */
    for (uint64_t i = 1; i <= 20; i++) {
        last = round_of(60000 + 12000 * i, ENTRIES, 0);
        must(last <= longest);
    }
    must(last > 0);
}

Test(unit, without_a_stream_there_is_no_rest)
{
    const uint64_t sparse = (uint64_t)ROUND * PACE_SPARSE;

    begin();
    for (int i = 0; i < 10; i++)
        must(round_of(sparse + 1, ENTRIES, 0) == 0);
    must(round_of(sparse, ENTRIES, 0) > 0);
    /* It ends with the stream. */
    round_of(sparse + 1, ENTRIES, 0);
    must(round_of(sparse + 1, ENTRIES, 0) == 0);
}

Test(unit, answers_to_messages_of_ours_are_no_reason_to_rest)
{
    const uint32_t dense = 5; /* quarters of an entry for each look */

    begin();
    for (int i = 0; i < 10; i++)
        must(round_of(1000, 1, dense) == 0);
    must(round_of(1000, 2, dense) > 0);
}

Test(unit, looks_in_vain_one_after_the_other_do_not_rest)
{
    begin();
    must(round_of(1000, ENTRIES, 0) > 0);
    must(round_of(1000, 0, 0) == 0);
}

Test(unit, without_a_clock_there_is_no_rest)
{
    memset(&pace, 0, sizeof pace);
    test_clock = 0;
    for (int i = 0; i < 10; i++)
        must(round_of(0, ENTRIES, 0) == 0);
}
