/* SPDX-License-Identifier: MIT */
/*
 * Takes the place of Criterion where there is none, or where it cannot run: its
 * runner starts the program anew for each test and talks to it by sockets, of
 * which an emulator of processes makes nothing, nor does ThreadSanitizer.
 *
 * Here each test is a child that the program forks before it did anything else,
 * in a session of its own, so that what it leaves behind can be ended. Of
 * Criterion's macros there are those that our tests use, and of its arguments
 * `--filter`; results are TAP on the standard output, and what tests print goes
 * to the standard error. SHMIPC_PATIENCE, a factor, makes all timeouts longer.
 */
#ifndef PLAIN_CRITERION_H
#define PLAIN_CRITERION_H

#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct plain_options {
    void (*init)(void);
    void (*fini)(void);
    double timeout; /* seconds; 0: none but Meson's */
    bool last;      /* makes lists of options end in something */
};

struct plain_test {
    const char *suite;
    const char *name; /* NULL: what is said of the suite */
    void (*run)(void);
    struct plain_options options;
    struct plain_test *next;
};

/* What a test says of itself, which its children can say as well. */
struct plain_report {
    enum { PLAIN_RUNNING, PLAIN_DONE, PLAIN_SKIPPED, PLAIN_FAILED } state;
    char text[1024];
};

static struct plain_test *plain_tests;
static struct plain_test **plain_end = &plain_tests;
static struct plain_report *plain_report;

static void plain_add(struct plain_test *test)
{
    *plain_end = test;
    plain_end = &test->next;
}

#define PLAIN_ADD(suite_, id, name_, run_, ...)                                \
    __attribute__((constructor)) static void plain_add_##id(void)              \
    {                                                                          \
        static struct plain_test test = {                                      \
            suite_, name_, run_, {__VA_ARGS__}, NULL};                         \
        plain_add(&test);                                                      \
    }
#define PLAIN_TEST(suite_, name_, ...)                                         \
    static void suite_##_##name_(void);                                        \
    PLAIN_ADD(#suite_, suite_##_##name_, #name_, suite_##_##name_,             \
              __VA_ARGS__)                                                     \
    static void suite_##_##name_(void)
#define PLAIN_SUITE(suite_, ...)                                               \
    PLAIN_ADD(#suite_, suite_, NULL, NULL, __VA_ARGS__)                        \
    struct plain_test /* for the semicolon */

#define Test(...)      PLAIN_TEST(__VA_ARGS__, .last = true)
#define TestSuite(...) PLAIN_SUITE(__VA_ARGS__, .last = true)

__attribute__((noreturn, format(printf, 2, 3), unused)) static void
plain_end_test(int state, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(plain_report->text, sizeof plain_report->text, format, arguments);
    va_end(arguments);
    plain_report->state = state;
    fflush(NULL);
    _exit(state == PLAIN_FAILED);
}

#define cr_assert_fail(...) plain_end_test(PLAIN_FAILED, __VA_ARGS__)
#define cr_skip_test(...)   plain_end_test(PLAIN_SKIPPED, __VA_ARGS__)
#define cr_log_info(...)    plain_log(__VA_ARGS__)
#define cr_log_warn(...)    plain_log(__VA_ARGS__)
/* What is said besides is not told: the condition says it. */
#define cr_assert(...)      PLAIN_ASSERT(__VA_ARGS__, "")
#define PLAIN_ASSERT(condition, ...)                                           \
    ((condition) ? (void)0                                                     \
                 : plain_end_test(PLAIN_FAILED, "%s:%d: %s", __FILE__,         \
                                  __LINE__, #condition))
#define cr_assert_str_eq(actual, wanted)                                       \
    cr_assert(strcmp((actual), (wanted)) == 0)

__attribute__((format(printf, 1, 2), unused)) static void
plain_log(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* What a test leaves unsaid its suite says. */
static struct plain_options plain_options_of(const struct plain_test *test)
{
    struct plain_options options = test->options;

    for (const struct plain_test *t = plain_tests; t; t = t->next) {
        if (t->name || strcmp(t->suite, test->suite) != 0)
            continue;
        if (!options.init)
            options.init = t->options.init;
        if (!options.fini)
            options.fini = t->options.fini;
        if (options.timeout <= 0)
            options.timeout = t->options.timeout;
    }
    return options;
}

__attribute__((noreturn)) static void
plain_be_test(const struct plain_test *test,
              const struct plain_options *options)
{
    setsid();
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (options->init)
        options->init();
    test->run();
    if (options->fini)
        options->fini();
    if (plain_report->state == PLAIN_RUNNING) /* no child failed */
        plain_report->state = PLAIN_DONE;
    exit(0);
}

static double plain_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The status that a child ends with, or -1 if it has to be ended. */
static int plain_wait(pid_t child, double seconds)
{
    const struct timespec nap = {0, 500000};
    double end = plain_now() + seconds;
    int status = 0;

    for (;;) {
        pid_t ended = waitpid(child, &status, WNOHANG);

        if (ended == child)
            return status;
        if (seconds > 0 && plain_now() > end) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            return -1;
        }
        nanosleep(&nap, NULL);
    }
}

static double plain_patience(void)
{
    const char *text = getenv("SHMIPC_PATIENCE");
    double factor = text ? strtod(text, NULL) : 1;

    return factor > 1 ? factor : 1;
}

/* Writes one line for a test; its number and whether it passed. */
static bool plain_try(const struct plain_test *test, int number)
{
    struct plain_options options = plain_options_of(test);
    int status;
    pid_t child;

    memset(plain_report, 0, sizeof *plain_report);
    fflush(NULL);
    child = fork();
    if (child == 0)
        plain_be_test(test, &options);
    status =
        child < 0 ? 0 : plain_wait(child, options.timeout * plain_patience());
    if (child > 0)
        kill(-child, SIGKILL); /* who stayed behind */

    if (status == 0 && plain_report->state == PLAIN_SKIPPED) {
        printf("ok %d - %s::%s # SKIP %s\n", number, test->suite, test->name,
               plain_report->text);
        return true;
    }
    if (status == 0 && plain_report->state == PLAIN_DONE) {
        printf("ok %d - %s::%s\n", number, test->suite, test->name);
        return true;
    }
    printf("not ok %d - %s::%s\n", number, test->suite, test->name);
    if (child < 0)
        printf("# no process for it: %s\n", strerror(errno));
    else if (status < 0)
        printf("# had not ended after %g s\n",
               options.timeout * plain_patience());
    else if (WIFSIGNALED(status))
        printf("# ended by signal %d\n", WTERMSIG(status));
    else
        printf("# ended with %d\n", WEXITSTATUS(status));
    if (plain_report->text[0])
        printf("# %s\n", plain_report->text);
    return false;
}

static bool plain_wanted(const struct plain_test *test, const char *pattern)
{
    char whole[256];

    if (!test->name)
        return false;
    snprintf(whole, sizeof whole, "%s/%s", test->suite, test->name);
    return fnmatch(pattern, whole, 0) == 0;
}

int main(int argc, char **argv)
{
    const char *pattern = "*";
    bool always_succeed = false;
    int count = 0;
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--filter") == 0 && i + 1 < argc)
            pattern = argv[++i];
        else if (strcmp(argv[i], "--always-succeed") == 0)
            always_succeed = true; /* what failed is in the lines */
    }
    plain_report = (struct plain_report *)mmap(
        NULL, sizeof *plain_report, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (plain_report == MAP_FAILED) {
        printf("Bail out! mmap: %s\n", strerror(errno));
        return 1;
    }
    for (const struct plain_test *t = plain_tests; t; t = t->next)
        count += plain_wanted(t, pattern);
    printf("TAP version 13\n1..%d\n", count);
    count = 0;
    for (const struct plain_test *t = plain_tests; t; t = t->next) {
        if (plain_wanted(t, pattern)) {
            failed += !plain_try(t, ++count);
            fflush(stdout);
        }
    }
    return failed > 0 && !always_succeed;
}

#endif
