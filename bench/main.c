/* SPDX-License-Identifier: MIT */
/*
 *     shmipc-bench [-o file.json] [-r rounds] [-s seconds] [-t trips]
 *                  [-p part of a name] [-z size] [-w ns] [workload...]
 *
 * Runs the workloads, all of them by default, prints tables and writes what
 * it measured as JSON. -p measures only transports with that in their name,
 * -z only messages of that many bytes, -w lets channels of the workload `wake`
 * spin that long before they sleep. README.md says what each number means.
 * Exit status: 0; 1 if a run of ours lost a message, failed or hung; 2 if it
 * was called wrongly.
 */
#include "report.h"
#include "sleepers.h"
#include "workloads.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct workload workloads[] = {
    {"limits", "what the machine can do", workload_limits},
    {"latency", "one way, both polling", workload_latency},
    {"throughput", "one producer, one consumer", workload_throughput},
    {"contention", "several of either", workload_contention},
    {"broadcast", "each of several gets everything", workload_broadcast},
    {"wake", "both asleep in between", workload_wake},
    {"rate", "a reader that blocks, at some rates", workload_rate},
    {"single", "one thread, no other", workload_single},
    {"paced", "one side is slower", workload_paced},
    {"memory", "how many messages fit", workload_memory},
    {"growth", "rings, messages, producers", workload_growth},
    {"lifecycle", "create, open, attach, first write", workload_lifecycle},
    {"recovery", "after a producer was killed", workload_recovery},
};

enum { WORKLOADS = sizeof workloads / sizeof workloads[0] };

static int usage(const char *name)
{
    fprintf(stderr,
            "usage: %s [-o file.json] [-r rounds] [-s seconds] [-t trips] "
            "[-p part of a name] [-z size] [-w ns] [workload...]\n",
            name);
    for (int i = 0; i < WORKLOADS; i++)
        fprintf(stderr, "  %-12s %s\n", workloads[i].name, workloads[i].about);
    return 2;
}

static const struct workload *find(const char *name)
{
    for (int i = 0; i < WORKLOADS; i++)
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    return NULL;
}

static bool read_options(int argc, char **argv, struct plan *plan,
                         const char **file)
{
    int option;

    while ((option = getopt(argc, argv, "o:r:s:t:p:z:w:")) != -1) {
        if (option == 'o')
            *file = optarg;
        else if (option == 'r')
            plan->rounds = atoi(optarg);
        else if (option == 's')
            plan->seconds = atof(optarg);
        else if (option == 't')
            plan->trips = (uint64_t)atoll(optarg);
        else if (option == 'p')
            plan->only = optarg;
        else if (option == 'z')
            plan->size = (size_t)atoll(optarg);
        else if (option == 'w')
            sleepers_spin_ns = (uint32_t)atoll(optarg);
        else
            return false;
    }
    return plan->rounds >= 1 && plan->rounds <= REPORT_MAX_ROUNDS &&
           plan->seconds > 0 && plan->trips > 0;
}

static int write_json(const char *file)
{
    FILE *to = file ? fopen(file, "w") : NULL;

    if (!file)
        return 0;
    if (!to) {
        perror(file);
        return -1;
    }
    report_json(to);
    return fclose(to);
}

int main(int argc, char **argv)
{
    struct plan plan = {.rounds = 5, .seconds = 0.2, .trips = 50000};
    const char *file = NULL;

    if (!read_options(argc, argv, &plan, &file))
        return usage(argv[0]);
    for (int i = optind; i < argc; i++)
        if (!find(argv[i]))
            return usage(argv[0]);
    run_prepare();
    for (int i = 0; i < WORKLOADS && optind == argc; i++)
        workloads[i].run(&plan);
    for (int i = optind; i < argc; i++) {
        const struct workload *w = find(argv[i]);

        if (w)
            w->run(&plan);
    }
    if (write_json(file) != 0)
        return 2;
    return report_is_bad() ? 1 : 0;
}
