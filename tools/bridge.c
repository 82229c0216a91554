/* SPDX-License-Identifier: MIT */
/*
 * shmipc bridge: runs shmipc-bridge, a program of its own, so that this one
 * needs no library for the network.
 */
#include "command.h"
#include <errno.h>
#include <shmipc_tools_config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command_option options[] = {{0}};

static const struct command_help help = {
    .name = "bridge",
    .operands = "out|in|run|keygen ...",
    .summary = "Carries messages between channels of two machines",
    .text =
        "  shmipc bridge out NAME tcp://HOST:PORT   sends what is written "
        "into NAME\n"
        "  shmipc bridge in tcp://*:PORT NAME       writes into NAME what is "
        "sent there\n"
        "  shmipc bridge run FILE                   runs many, as the file "
        "says\n"
        "  shmipc bridge keygen FILE                makes keys\n"
        "\nEvery message comes out once and in order, whatever is killed or "
        "disconnected.\n`shmipc bridge out --help` and so on say more, and so "
        "does shmipc-bridge(1).\n",
    .options = options,
    .exits = "  0  ended by SIGTERM or SIGINT, with nothing lost\n"
             "  3  shmipc-bridge is not installed, or a call failed\n",
};

/* Beside this program, where it was built; else where it is installed. */
static void run(char **argv)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 32);
    char *slash;

    path[size > 0 ? size : 0] = '\0';
    slash = strrchr(path, '/');
    if (slash) {
        strcpy(slash + 1, "shmipc-bridge");
        execv(path, argv);
    }
    execv(SHMIPC_LIBEXEC "/shmipc-bridge", argv);
}

int command_bridge(int argc, char **argv)
{
    struct command_scan scan;

    if (argc < 2 || argv[1][0] == '-') {
        command_begin(&scan, &help, argc, argv);
        while (command_next(&scan) != -1)
            ;
        command_operands(&scan, 1, argc);
    }
    run(argv);
    if (errno == ENOENT)
        command_complain("shmipc-bridge is not installed");
    else
        command_complain("shmipc-bridge: %s", strerror(errno));
    return COMMAND_FAILED;
}
