/* SPDX-License-Identifier: MIT */
/*
 * shmipc-bridge: carries what is written into channels to other machines. It
 * is what `shmipc bridge` runs, and a program of its own so that nobody else
 * needs libzmq.
 */
#include "bridge/arguments.h"
#include "bridge/config.h"
#include "bridge/keys.h"
#include "bridge/log.h"
#include "bridge/metrics.h"
#include "command.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void print_help(FILE *to)
{
    fputs("usage: shmipc bridge out [OPTION]... NAME tcp://HOST:PORT\n"
          "       shmipc bridge in [OPTION]... tcp://ADDRESS:PORT NAME\n"
          "       shmipc bridge run [OPTION]... CONFIGURATION\n"
          "       shmipc bridge keygen FILE\n\n"
          "Carries what is written into a channel to another machine.\n\n"
          "`shmipc bridge COMMAND --help` says more.\n",
          to);
}

/* They are waited for, by the main thread; others never see them. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void reload(const char *path, struct fleet *fleet)
{
    if (!path)
        return;
    if (!config_check(path)) {
        log_line(NULL, "the new configuration is wrong, and the old one stays");
        return;
    }
    log_line(NULL, "reads its configuration again");
    (void)config_apply(path, fleet);
}

/* Until it is asked to end. `path` is of a configuration, or NULL. */
static void wait_for_the_end(const sigset_t *signals, const char *path,
                             struct fleet *fleet)
{
    int number = 0;

    while (sigwait(signals, &number) != 0 || number == SIGHUP)
        if (number == SIGHUP)
            reload(path, fleet);
}

/* A configuration, or else one route. */
static int run(const char *path, struct arguments *a, uint64_t port)
{
    struct metrics *metrics = NULL;
    struct fleet *fleet;
    sigset_t signals;
    bool is_good;

    block_signals(&signals);
    fleet = fleet_make();
    if (!fleet)
        return COMMAND_FAILED;
    is_good =
        path ? config_apply(path, fleet) : fleet_add(fleet, "", &a->route);
    if (is_good && port)
        is_good = (metrics = metrics_start((uint16_t)port, fleet)) != NULL;
    if (is_good)
        wait_for_the_end(&signals, path, fleet);
    if (metrics)
        metrics_stop(metrics);
    fleet_free(fleet);
    return is_good ? COMMAND_OK : COMMAND_FAILED;
}

static int run_route(int argc, char **argv)
{
    struct arguments a;

    arguments_read(&a, argc, argv);
    return run(NULL, &a, a.prometheus);
}

/* --------------------------------------------------------------------- run */

enum { OPTION_CHECK = 256, OPTION_PROMETHEUS };

static const struct command_option run_options[] = {
    {OPTION_PROMETHEUS, "prometheus", "PORT",
     "tell figures by HTTP at that port of 127.0.0.1"},
    {OPTION_CHECK, "check", NULL,
     "only say whether the configuration can be read"},
    {0},
};

static const struct command_help run_help = {
    .name = "bridge run",
    .operands = "CONFIGURATION",
    .summary = "Runs all bridges that a file names",
    .text = "Each line is what would be behind `shmipc bridge`:\n\n"
            "  out --key=here.key --server=there.pub prices "
            "tcp://there:7070\n"
            "  in --key=here.key --allow=friends tcp://*:7071 orders\n"
            "\n\"#\" begins a comment. SIGHUP reads it "
            "again: lines that are\nnew begin, those that are gone end, and "
            "the others go on.\n",
    .options = run_options,
    .exits = "  0  ended by SIGTERM or SIGINT, with nothing lost\n"
             "  3  a call failed\n",
};

static int run_configuration(int argc, char **argv)
{
    struct command_scan scan;
    bool only_checks = false;
    uint64_t port = 0;
    const char *path;

    command_begin(&scan, &run_help, argc, argv);
    while (command_next(&scan) != -1) {
        if (scan.id == OPTION_CHECK)
            only_checks = true;
        else if (!arguments_read_port(scan.value, &port))
            command_refuse_value(&scan);
    }
    path = command_operands(&scan, 1, 1)[0];
    if (!config_check(path))
        return COMMAND_USAGE;
    return only_checks ? COMMAND_OK : run(path, NULL, port);
}

/* ------------------------------------------------------------------ keygen */

static const struct command_option keygen_options[] = {{0}};

static const struct command_help keygen_help = {
    .name = "bridge keygen",
    .operands = "FILE",
    .summary = "Makes a pair of keys, FILE.key and FILE.pub",
    .text = "FILE.key is for --key of this machine, and stays there. FILE.pub "
            "goes to the\nothers: for --server, or into the list of "
            "--allow.\n",
    .options = keygen_options,
    .exits = "  0  done\n"
             "  3  one of them exists, or cannot be written\n",
};

static int make_keys(int argc, char **argv)
{
    struct command_scan scan;
    const char *prefix, *wrong;

    command_begin(&scan, &keygen_help, argc, argv);
    while (command_next(&scan) != -1)
        ;
    prefix = command_operands(&scan, 1, 1)[0];
    wrong = keys_make(prefix);
    if (!wrong)
        return COMMAND_OK;
    command_complain("%s.key, %s.pub: %s", prefix, prefix, wrong);
    return COMMAND_FAILED;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    setvbuf(stderr, NULL, _IOLBF, 0);
    if (strcmp(name, "out") == 0 || strcmp(name, "in") == 0)
        return run_route(argc - 1, argv + 1);
    if (strcmp(name, "run") == 0)
        return run_configuration(argc - 1, argv + 1);
    if (strcmp(name, "keygen") == 0)
        return make_keys(argc - 1, argv + 1);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help(stdout);
        return command_finish(COMMAND_OK);
    }
    print_help(stderr);
    return COMMAND_USAGE;
}
