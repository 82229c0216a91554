/* SPDX-License-Identifier: MIT */
#include "bridge/arguments.h"
#include "bridge/keys.h"
#include "bridge/zeromq.h"
#include "command.h"
#include "join.h"
#include <stdlib.h>
#include <string.h>

#define LINGER_NS UINT64_C(10000000000)
enum {
    LARGEST = 16 << 20,
    PORT_MOST = 65535,

    OPTION_EXISTING = 256,
    OPTION_LOSSY,
    OPTION_LINGER,
    OPTION_LARGEST,
    OPTION_KEY,
    OPTION_SERVER,
    OPTION_ALLOW,
    OPTION_PROMETHEUS,
    OPTION_SERVICE,
};

#define COMMON_OPTIONS                                                         \
    {'s', "size", "SIZE",                                                      \
     "bytes of data that a channel made by this command holds (1M)"},          \
        {OPTION_EXISTING, "existing", NULL,                                    \
         "make no channel where there is none, but wait for one"},             \
        {OPTION_SERVICE, "service", NULL,                                      \
         "the name is that of a service: calls go out, and answers come "      \
         "back"},                                                              \
        {OPTION_KEY, "key", "FILE",                                            \
         "our own key, as `shmipc bridge keygen` makes it; must be given "     \
         "unless the address is of the loopback"},                             \
    {                                                                          \
        OPTION_PROMETHEUS, "prometheus", "PORT",                               \
            "tell figures by HTTP at that port of 127.0.0.1"                   \
    }

static const struct command_option out_options[] = {
    COMMON_OPTIONS,
    {OPTION_SERVER, "server", "FILE",
     "the public key of the other side; must be given with --key"},
    {OPTION_LOSSY, "lossy", NULL,
     "only look on: writers never wait, and what was overwritten before it was "
     "sent is counted as lost"},
    {OPTION_LINGER, "linger", "TIME",
     "wait so long for acknowledgements when asked to end (10s)"},
    {0},
};

static const struct command_option in_options[] = {
    COMMON_OPTIONS,
    {OPTION_ALLOW, "allow", "FILE",
     "the public keys of those that may send, one on each line; must be given "
     "with --key"},
    {OPTION_LARGEST, "largest", "SIZE",
     "largest message that may come in (16M): so much memory a sender can "
     "make us take"},
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

static char *copy(const char *text)
{
    char *to = strdup(text);

    if (!to) {
        command_complain("no memory");
        exit(COMMAND_FAILED);
    }
    return to;
}

static void complain_of_file(const char *path, const char *wrong)
{
    command_complain("%s: %s", path, wrong);
    exit(COMMAND_USAGE);
}

static bool read_key(struct route_options *r, const char *path)
{
    char secret[KEYS_LETTERS + 1], public[KEYS_LETTERS + 1];
    const char *wrong = keys_read_pair(path, secret, public);

    if (wrong)
        complain_of_file(path, wrong);
    r->secret = copy(secret);
    r->public = copy(public);
    return true;
}

static bool read_server(struct route_options *r, const char *path)
{
    char public[KEYS_LETTERS + 1];
    const char *wrong = keys_read_public(path, public);

    if (wrong)
        complain_of_file(path, wrong);
    r->server = copy(public);
    return true;
}

/* Its keys are read when they are asked for. */
static bool read_list(struct route_options *r, const char *path)
{
    const char *wrong = keys_check_list(path);

    if (wrong)
        complain_of_file(path, wrong);
    r->allowed = copy(path);
    return true;
}

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
    case OPTION_SERVICE:
        r->is_service = true;
        return true;
    case OPTION_KEY:
        return read_key(r, scan->value);
    case OPTION_SERVER:
        return read_server(r, scan->value);
    case OPTION_ALLOW:
        return read_list(r, scan->value);
    case OPTION_PROMETHEUS:
        return arguments_read_port(scan->value, &a->prometheus);
    default:
        return false;
    }
}

static void check_keys(const struct command_help *help,
                       const struct route_options *r)
{
    const char *other = r->is_far ? r->allowed : r->server;

    if (strncmp(r->address, "redis://", 8) == 0 && r->is_service)
        command_misuse(help, "a service cannot be called through Redis");
    if (strncmp(r->address, "redis://", 8) == 0 &&
        (r->secret || !zeromq_is_loopback(r->address)))
        command_misuse(help, "Redis is spoken to without keys, and so at the "
                             "loopback alone: bring it there by a tunnel");

    if (!r->secret && other)
        command_misuse(help, "--%s needs --key",
                       r->is_far ? "allow" : "server");
    if (r->secret && !other)
        command_misuse(help, "--key needs --%s",
                       r->is_far ? "allow" : "server");
    if (!r->secret && !zeromq_is_loopback(r->address))
        command_misuse(help,
                       "\"%s\" is not of the loopback, so that --key must be "
                       "given",
                       r->address);
}

bool arguments_read_port(const char *text, uint64_t *port)
{
    return command_parse_count(text, port) && *port > 0 && *port <= PORT_MOST;
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
    check_keys(help, &to->route);
}
