/* SPDX-License-Identifier: MIT */
/*
 * When a tap rests, and for how long.
 */
#include "helpers.h"
#include "tap/manners.h"
#include <criterion/criterion.h>

enum { BLOCKS = 1024, PART = BLOCKS / MANNERS_PART };

Test(unit, a_tap_that_has_found_nothing_since_does_not_rest)
{
    struct manners m = {.pauses = MANNERS_MOST};

    must(!manners_rest(&m, 0, BLOCKS) && m.pauses == MANNERS_MOST);
}

Test(unit, rests_of_a_tap_become_longer_while_more_comes_meanwhile)
{
    struct manners m = {.pauses = 0};
    uint32_t last = 0;

    for (int i = 0; i < 16; i++) {
        must(manners_rest(&m, 2, BLOCKS));
        must(m.pauses > last || m.pauses == MANNERS_MOST);
        last = m.pauses;
    }
    must(last == MANNERS_MOST);
}

Test(unit, a_tap_rests_where_single_entries_follow_at_once)
{
    struct manners m = {.since = atomic_ticks()};

    /* However slow the machine is, it takes long only now and then. */
    for (int i = 0; i < 1000 && m.pauses < MANNERS_MOST; i++)
        manners_rest(&m, 1, BLOCKS);
    must(m.pauses == MANNERS_MOST);
}

Test(unit, a_tap_does_not_rest_where_entries_are_rare)
{
    struct manners m = {.pauses = MANNERS_MOST};
    int rests = 0;

    if (atomic_ticks() == 0)
        cr_skip_test("no clock that costs nothing");
    do
        m.since = atomic_ticks() - 1000 * (uint64_t)MANNERS_DENSE;
    while (manners_rest(&m, 1, BLOCKS) && ++rests < 100);
    must(rests < 10 && m.pauses == 0);
}

Test(unit, a_tap_does_not_rest_until_much_of_the_ring_has_gone_by)
{
    struct manners m = {.pauses = MANNERS_MOST};

    must(manners_rest(&m, PART + 1, BLOCKS) && m.pauses < MANNERS_MOST);
    must(manners_rest(&m, PART, BLOCKS) && m.pauses == MANNERS_MOST);
}
