/* SPDX-License-Identifier: MIT */
/*
 * shmipc create: a channel that is as the programs want it which come later.
 */
#include "command.h"
#include "join.h"
#include <errno.h>
#include <grp.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

enum { MODE_MOST = 0777, NODES_MOST = 1024, SUBSCRIBERS_MOST = 1024 };

struct create {
    const char *name;
    IpcOpenOptions options;
    bool json;
};

/* Octal, as for chmod. */
static bool parse_mode(const char *text, uint32_t *mode)
{
    unsigned long number;
    char *end;

    if (*text < '0' || *text > '7')
        return false;
    number = strtoul(text, &end, 8);
    *mode = (uint32_t)number;
    return *end == '\0' && number > 0 && number <= MODE_MOST;
}

static bool parse_group(const char *text, uint32_t *group)
{
    const struct group *known = getgrnam(text);
    uint64_t number = 0;
    bool good = known || command_parse_count(text, &number);

    *group = known ? known->gr_gid : (uint32_t)number;
    return good && (known || number < UINT32_MAX);
}

static bool parse_between(const char *text, uint64_t least, uint64_t most,
                          uint32_t *to)
{
    uint64_t number;

    if (!command_parse_count(text, &number) || number < least || number > most)
        return false;
    *to = (uint32_t)number;
    return true;
}

static void print_account(const struct create *c, const struct join *join)
{
    struct json_object *o = json_object_new_object();
    IpcBufferStats stats = {.struct_size = sizeof stats};
    char *name = strdup(c->name);

    if (name)
        command_clean(name);
    (void)ipc_channel_stats(join->channel, &stats);
    json_object_object_add(o, "name", json_object_new_string(name ? name : ""));
    free(name);
    json_object_object_add(
        o, "created",
        json_object_new_boolean(ipc_channel_created(join->channel)));
    json_object_object_add(o, "region_size",
                           json_object_new_uint64(stats.region_size));
    json_object_object_add(o, "capacity",
                           json_object_new_uint64(stats.capacity));
    json_object_object_add(o, "max_entry_size",
                           json_object_new_uint64(stats.max_entry_size));
    json_object_object_add(o, "max_owners",
                           json_object_new_uint64(stats.max_owners));
    json_object_object_add(o, "one_producer",
                           json_object_new_boolean(join->one_producer));
    json_object_object_add(o, "one_consumer",
                           json_object_new_boolean(join->one_consumer));
    json_object_object_add(o, "broadcast",
                           json_object_new_boolean(join->broadcast));
    command_print_json(o, false);
}

/* -------------------------------------------------------------- options */

enum {
    OPTION_ONE_PRODUCER = 256,
    OPTION_ONE_CONSUMER,
    OPTION_TAPS,
    OPTION_BROADCAST,
    OPTION_SUBSCRIBERS,
    OPTION_OWNERS,
    OPTION_IF_MISSING,
    OPTION_REPLACE_DEAD,
    OPTION_HUGE_PAGES,
    OPTION_PREFAULT,
    OPTION_NUMA_NODE,
};

static const struct command_option options[] = {
    {'s', "size", "SIZE", "bytes of data that it holds (1M)"},
    {'m', "mode", "MODE",
     "permission bits, octal, whatever the umask (600: this user only)"},
    {'g', "group", "GROUP", "name or number of the group that it belongs to"},
    {OPTION_ONE_PRODUCER, "one-producer", NULL,
     "one process at a time may write, which is faster"},
    {OPTION_ONE_CONSUMER, "one-consumer", NULL,
     "one process at a time may read, which is faster"},
    {OPTION_TAPS, "taps", NULL,
     "for `tap` and `record` to miss nothing that is still there, on any "
     "machine"},
    {OPTION_BROADCAST, "broadcast", NULL,
     "every subscriber reads every message, not one of them each"},
    {OPTION_SUBSCRIBERS, "subscribers", "N",
     "the same, for up to N subscribers at a time (16, fewer in small ones)"},
    {OPTION_OWNERS, "owners", "N", "processes that may write at a time (64)"},
    {OPTION_IF_MISSING, "if-missing", NULL,
     "if there is one already, leave it as it is, and be content"},
    {OPTION_REPLACE_DEAD, "replace-dead", NULL,
     "replace one that nobody has open and whose owners are all dead; what is "
     "unread in it is lost"},
    {OPTION_PREFAULT, "prefault", NULL,
     "make all its pages present, for the first messages to be as fast as the "
     "later ones"},
    {OPTION_HUGE_PAGES, "huge-pages", NULL,
     "use large pages where the kernel gives any"},
    {OPTION_NUMA_NODE, "numa-node", "N", "take its pages from that node"},
    {'j', "json", NULL, "print what it is as JSON"},
    {0},
};

static const struct command_help help = {
    .name = "create",
    .operands = "NAME",
    .summary = "Makes a channel",
    .text =
        "Programs that open a channel make it if there is none, so this is for "
        "one that\nis to be other than they would make it.\n",
    .options = options,
    .exits = "  0  it was made, or with --if-missing is there\n"
             "  3  a call failed, or what is there is no channel\n"
             "  5  there is one already\n",
};

/* An option that is nothing but a flag. */
static bool set_flag(struct create *c, int id)
{
    static const struct {
        int id;
        uint32_t flag, channel_flag;
    } flags[] = {
        {OPTION_ONE_PRODUCER, 0, IPC_BUFFER_ONE_PRODUCER},
        {OPTION_TAPS, 0, IPC_BUFFER_TAPS},
        {OPTION_ONE_CONSUMER, 0, IPC_BUFFER_ONE_CONSUMER},
        {OPTION_BROADCAST, 0, IPC_BUFFER_BROADCAST},
        {OPTION_REPLACE_DEAD, IPC_OPEN_REPLACE_DEAD, 0},
        {OPTION_PREFAULT, IPC_OPEN_PREFAULT, 0},
        {OPTION_HUGE_PAGES, IPC_OPEN_HUGE_PAGES, 0},
    };

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (flags[i].id != id)
            continue;
        c->options.flags |= flags[i].flag;
        c->options.configuration.flags |= flags[i].channel_flag;
        return true;
    }
    return false;
}

static bool set_value(struct create *c, int id, const char *value)
{
    switch (id) {
    case 's':
        return command_parse_size(value, &c->options.size) &&
               c->options.size > 0;
    case 'm':
        return parse_mode(value, &c->options.mode);
    case 'g':
        c->options.flags |= IPC_OPEN_GROUP;
        return parse_group(value, &c->options.group);
    case OPTION_OWNERS:
        return parse_between(value, 1, UINT32_MAX,
                             &c->options.configuration.max_owners);
    case OPTION_SUBSCRIBERS:
        c->options.configuration.flags |= IPC_BUFFER_BROADCAST;
        return parse_between(value, 1, SUBSCRIBERS_MOST,
                             &c->options.configuration.max_subscribers);
    case OPTION_NUMA_NODE:
        c->options.flags |= IPC_OPEN_NUMA_NODE;
        return parse_between(value, 0, NODES_MOST - 1, &c->options.numa_node);
    default:
        return set_flag(c, id);
    }
}

int command_create(int argc, char **argv)
{
    struct create c = {.options = join_defaults()};
    struct command_scan scan;
    struct join join;
    int id, code;

    c.options.flags = IPC_OPEN_EXCLUSIVE;
    command_begin(&scan, &help, argc, argv);
    while ((id = command_next(&scan)) != -1) {
        if (id == 'j')
            c.json = true;
        else if (id == OPTION_IF_MISSING)
            c.options.flags &= ~IPC_OPEN_EXCLUSIVE;
        else if (!set_value(&c, id, scan.value))
            command_refuse_value(&scan);
    }
    c.name = command_operands(&scan, 1, 1)[0];
    code = join_open(&join, c.name, &c.options);
    if (code != COMMAND_OK)
        return code;
    if (c.json)
        print_account(&c, &join);
    join_leave(&join);
    return command_finish(COMMAND_OK);
}
