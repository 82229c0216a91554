/* SPDX-License-Identifier: MIT */
#include "bridge/arguments.h"
#include "bridge/zeromq.h"
#include "command.h"
#include "join.h"
#include <stdlib.h>
#include <string.h>

#define LINGER_NS UINT64_C(10000000000)
enum {
    LARGEST = 16 << 20,

    OPTION_EXISTING = 256,
    OPTION_LOSSY,
    OPTION_LINGER,
    OPTION_LARGEST,
};

#define COMMON_OPTIONS                                                         \
    {'s', "size", "SIZE",                                                      \
     "bytes of data that a channel made by this command holds (1M)"},          \
    {                                                                          \
        OPTION_EXISTING, "existing", NULL,                                     \
            "make no channel where there is none, but wait for one"            \
    }

static const struct command_option out_options[] = {
    COMMON_OPTIONS,
    {OPTION_LOSSY, "lossy", NULL,
     "only look on: writers never wait, and what was overwritten before it was "
     "sent is counted as lost"},
    {OPTION_LINGER, "linger", "TIME",
     "wait so long for acknowledgements when asked to end (10s)"},
    {0},
};

static const struct command_option in_options[] = {
    COMMON_OPTIONS,
    {OPTION_LARGEST, "largest", "SIZE",
     "largest message that may come in (16M); more is refused before there is "
     "memory for it"},
    {0},
};

#define EXITS                                                                  \
    "  0  ended by SIGTERM or SIGINT, with nothing lost\n"                     \
    "  3  a call failed\n"

static const struct command_help out_help = {
    .name = "bridge out",
    .operands = "NAME tcp://HOST:PORT",
    .summary = "Sends all that is written into a channel to another machine",
    .text = "There `shmipc bridge in` writes it into a channel: every message "
            "once, in order,\nwhatever is killed or disconnected meanwhile. "
            "What was not acknowledged by the\nother side stays in the "
            "channel, and writers find no space when it is full.\n\nIf there "
            "is no such channel, makes one for one consumer. In a channel for "
            "many\nreaders one message at a time is on its way; in one for "
            "subscribers a bridge is\none of them.\n",
    .options = out_options,
    .exits = EXITS,
};

static const struct command_help in_help = {
    .name = "bridge in",
    .operands = "tcp://ADDRESS:PORT NAME",
    .summary = "Writes into a channel what `shmipc bridge out` sends",
    .text = "ADDRESS is one of this machine, or * for all of them. Several "
            "bridges may send to\none: the messages of each come in their "
            "order. If there is no such channel,\nmakes one for one producer. "
            "A file NAME.bridge beside it says what came last.\n",
    .options = in_options,
    .exits = EXITS,
};

static bool set_option(struct arguments *a, const struct command_scan *scan)
{
    struct route_options *r = &a->route;

    switch (scan->id) {
    case 's':
        return command_parse_size(scan->value, &r->open.size) &&
               r->open.size > 0;
    case OPTION_EXISTING:
        r->open.flags |= IPC_OPEN_CONNECT_ONLY;
        return true;
    case OPTION_LOSSY:
        r->is_lossy = true;
        return true;
    case OPTION_LINGER:
        return command_parse_duration(scan->value, &r->linger_ns);
    case OPTION_LARGEST:
        return command_parse_size(scan->value, &r->largest) && r->largest > 0 &&
               r->largest <= WIRE_ENTRY_MAX;
    default:
        return false;
    }
}

static char *copy(const char *text)
{
    char *to = strdup(text);

    if (!to) {
        command_complain("no memory");
        exit(COMMAND_FAILED);
    }
    return to;
}

void arguments_read(struct arguments *to, int argc, char **argv)
{
    const bool is_far = strcmp(argv[0], "in") == 0;
    const struct command_help *help = is_far ? &in_help : &out_help;
    struct command_scan scan;
    char **operands;

    *to = (struct arguments){.route = {.is_far = is_far,
                                       .open = join_defaults(),
                                       .largest = LARGEST,
                                       .linger_ns = LINGER_NS}};
    to->route.open.configuration.flags =
        is_far ? IPC_BUFFER_ONE_PRODUCER : IPC_BUFFER_ONE_CONSUMER;
    command_begin(&scan, help, argc, argv);
    while (command_next(&scan) != -1)
        if (!set_option(to, &scan))
            command_refuse_value(&scan);
    operands = command_operands(&scan, 2, 2);
    to->route.name = copy(operands[is_far]);
    to->route.address = copy(operands[!is_far]);
    if (!strstr(to->route.address, "://"))
        command_misuse(help, "\"%s\" is no address", to->route.address);
    if (!zeromq_is_loopback(to->route.address))
        command_misuse(help, "\"%s\" is not the loopback", to->route.address);
}
