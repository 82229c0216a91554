/* SPDX-License-Identifier: MIT */
/*
 * model [OPTIONS] [SCENARIO...]    runs these, or all of the mode's quick run
 * model --list
 * model [OPTIONS] --script TEXT [--blocks N] [--mode pc] [--kills K]
 *
 *     --sc, --weak   the memory (default: both, one after the other)
 *     --bound N      at most N preemptions in a path, -1: any number
 *     --stale N      at most N values that are not the latest in one call
 *     --states N     stop a scenario after so many states
 *     --deep         all scenarios in both memories, without bounds
 *
 * Exit: 0 nothing found, 1 violation (with its trace), 2 the checker failed.
 */
#include "model.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BOUND_OF_SCENARIO = -2 };

struct options options = {.max_states = UINT64_MAX};
static struct scenario own = {.name = "own", .blocks = 2};
static int bound = BOUND_OF_SCENARIO, stale = -1;
static bool deep, skip_sc, skip_weak;
static double total_executions;
static uint64_t total_states, total_crashes, total_pruned, total_kills;

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void choose_bounds(const struct scenario *s)
{
    int quick = options.weak ? s->quick_weak : s->quick_sc;

    options.bound = bound;
    if (bound == BOUND_OF_SCENARIO)
        options.bound = deep || quick == 0 || quick == ANY ? -1 : quick;
    options.stale = stale;
    if (stale < 0)
        options.stale = s->stale ? s->stale : STALE_DEFAULT;
}

static void run(const struct scenario *s)
{
    double start = seconds();
    struct report report;

    choose_bounds(s);
    crash_points = 0;
    report = explore(s);
    printf("%-24s %-4s %8.2g interleavings %9llu states %9llu stops "
           "%7llu kills %5.1f s",
           s->name, options.weak ? "weak" : "sc", report.executions,
           (unsigned long long)report.states, (unsigned long long)crash_points,
           (unsigned long long)report.kills, seconds() - start);
    if (options.bound >= 0)
        printf("  (bound %d pruned %llu branches)", options.bound,
               (unsigned long long)report.pruned);
    printf("%s\n", report.full ? "  (STATE LIMIT HIT)" : "");
    fflush(stdout);
    total_executions += report.executions;
    total_states += report.states;
    total_crashes += crash_points;
    total_kills += report.kills;
    total_pruned += report.pruned;
}

static void run_both(const struct scenario *s, bool all)
{
    options.weak = false;
    if (!skip_sc && (all || s->quick_sc))
        run(s);
    options.weak = true;
    if (!skip_weak && !s->ordered && (all || s->quick_weak))
        run(s);
}

static void run_named(const char *name)
{
    for (unsigned i = 0; i < scenario_count; i++)
        if (strcmp(scenarios[i].name, name) == 0) {
            run_both(&scenarios[i], true);
            return;
        }
    harness_error("no scenario \"%s\": see --list", name);
}

static void list(void)
{
    for (unsigned i = 0; i < scenario_count; i++) {
        const struct scenario *s = &scenarios[i];

        printf("%-24s %u blocks%s%s  %s%s%s\n", s->name, s->blocks,
               s->flags & IPC_BUFFER_ONE_PRODUCER ? ", one producer" : "",
               s->flags & IPC_BUFFER_ONE_CONSUMER ? ", one consumer" : "",
               s->script, s->kills ? "  with deaths" : "",
               s->quick_sc || s->quick_weak ? "" : "  (deep only)");
    }
}

/* ---------------------------------------------------------------- options */

static const char *value_of(int argc, char **argv, int *i)
{
    if (*i + 1 >= argc)
        harness_error("%s needs a value", argv[*i]);
    return argv[++*i];
}

static bool parse_number_option(int argc, char **argv, int *i)
{
    if (strcmp(argv[*i], "--bound") == 0)
        bound = atoi(value_of(argc, argv, i));
    else if (strcmp(argv[*i], "--stale") == 0)
        stale = atoi(value_of(argc, argv, i));
    else if (strcmp(argv[*i], "--states") == 0)
        options.max_states = strtoull(value_of(argc, argv, i), NULL, 10);
    else if (strcmp(argv[*i], "--blocks") == 0)
        own.blocks = (uint32_t)atoi(value_of(argc, argv, i));
    else if (strcmp(argv[*i], "--kills") == 0)
        own.kills = atoi(value_of(argc, argv, i));
    else if (strcmp(argv[*i], "--index") == 0)
        own.index = (uint32_t)atoi(value_of(argc, argv, i));
    else
        return false;
    return true;
}

static bool parse_option(int argc, char **argv, int *i)
{
    const char *mode;

    if (strcmp(argv[*i], "--sc") == 0)
        skip_weak = true;
    else if (strcmp(argv[*i], "--weak") == 0)
        skip_sc = true;
    else if (strcmp(argv[*i], "--deep") == 0)
        deep = true;
    else if (strcmp(argv[*i], "--script") == 0)
        own.script = value_of(argc, argv, i);
    else if (strcmp(argv[*i], "--mode") == 0) {
        mode = value_of(argc, argv, i);
        own.flags = (strchr(mode, 'p') ? IPC_BUFFER_ONE_PRODUCER : 0) |
                    (strchr(mode, 'c') ? IPC_BUFFER_ONE_CONSUMER : 0);
    } else
        return parse_number_option(argc, argv, i);
    return true;
}

/* ----------------------------------------------------------------- crashes */

static void crashed(int signal)
{
    (void)signal;
    violation("the library crashed");
}

static void catch_crashes(void)
{
    static unsigned char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_ONSTACK};

    sigaltstack(&alternate, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
}

int main(int argc, char **argv)
{
    int named = 0;

    catch_crashes();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            list();
            return 0;
        }
        if (argv[i][0] != '-')
            argv[1 + named++] = argv[i];
        else if (!parse_option(argc, argv, &i))
            harness_error("unknown option %s", argv[i]);
    }
    if (own.script)
        run_both(&own, true);
    for (int i = 1; i <= named; i++)
        run_named(argv[i]);
    for (unsigned i = 0; i < scenario_count && !named && !own.script; i++)
        run_both(&scenarios[i], deep);
    printf("total: %.2g interleavings, %llu states, %llu stops, %llu kills, "
           "%llu branches pruned; nothing found\n",
           total_executions, (unsigned long long)total_states,
           (unsigned long long)total_crashes, (unsigned long long)total_kills,
           (unsigned long long)total_pruned);
    return 0;
}
