/* SPDX-License-Identifier: MIT */
#include "command.h"
#include <stdio.h>

static const struct command_option options[] = {
    COMMAND_JSON_OPTION,
    {0},
};

static const struct command_help help = {
    .name = "ls",
    .operands = "",
    .summary = "Lists the channels and buffers of this machine",
    .text = "",
    .options = options,
    .exits = "  0  always\n",
};

int command_ls(int argc, char **argv)
{
    struct command_scan scan;

    command_begin(&scan, &help, argc, argv);
    while (command_next(&scan) != -1)
        continue;
    command_operands(&scan, 0, 0);
    return command_finish(COMMAND_OK);
}
