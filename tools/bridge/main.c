/* SPDX-License-Identifier: MIT */
/*
 * shmipc-bridge: carries what is written into channels to other machines. It
 * is what `shmipc bridge` runs, and a program of its own so that nobody else
 * needs libzmq.
 */
#include "bridge/arguments.h"
#include "bridge/launch.h"
#include "command.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

static void print_help(FILE *to)
{
    fputs("usage: shmipc bridge out [OPTION]... NAME tcp://HOST:PORT\n"
          "       shmipc bridge in [OPTION]... tcp://ADDRESS:PORT NAME\n\n"
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
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int run_one(const struct arguments *a, void *context)
{
    struct route *route = route_make(&a->route, context);
    sigset_t signals;
    int number;

    if (!route) {
        command_complain("\"%s\" is no name of a channel", a->route.name);
        return COMMAND_USAGE;
    }
    block_signals(&signals);
    if (!launch_route(route)) {
        route_free(route);
        return COMMAND_FAILED;
    }
    while (sigwait(&signals, &number) != 0)
        ;
    route_free(route);
    return COMMAND_OK;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    struct arguments a;
    void *context;
    int code;

    setvbuf(stderr, NULL, _IOLBF, 0);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help(stdout);
        return command_finish(COMMAND_OK);
    }
    if (strcmp(name, "out") != 0 && strcmp(name, "in") != 0) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    arguments_read(&a, argc - 1, argv + 1);
    context = zmq_ctx_new();
    if (!context) {
        command_complain("no context of ZeroMQ");
        return COMMAND_FAILED;
    }
    code = run_one(&a, context);
    zmq_ctx_term(context);
    return code;
}
