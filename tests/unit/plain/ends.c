/* SPDX-License-Identifier: MIT */
/* Tests that end in every way that the plain runner tells apart: ends.sh. */
#include <criterion/criterion.h>

static int began;

static void begin(void)
{
    began++;
}

static void end(void)
{
    if (began != 1)
        cr_assert_fail("began %d times", began);
    fprintf(stderr, "the suite's end\n");
}

TestSuite(ends, .init = begin, .fini = end);

Test(ends, well)
{
    printf("not ok 1 - this is no result\n");
    cr_assert(began == 1);
    cr_assert_str_eq("same", "same");
}

Test(ends, with_a_failure)
{
    cr_assert_fail("one %s", "failure");
}

Test(ends, with_a_wrong_condition)
{
    cr_assert(began == 2, "and what that means");
}

Test(ends, with_a_failure_in_a_child)
{
    pid_t child = fork();

    if (child == 0)
        cr_assert_fail("a child's failure");
    waitpid(child, NULL, 0);
}

Test(ends, early_since_it_cannot)
{
    cr_skip_test("here is no %s", "moon");
}

Test(ends, by_a_signal)
{
    raise(SIGKILL);
}

Test(ends, before_it_has_ended)
{
    exit(0);
}

Test(ends, never, .timeout = 0.25)
{
    for (;;)
        pause();
}

Test(other, has_no_beginning)
{
    cr_assert(began == 0);
    cr_log_info("told");
}
