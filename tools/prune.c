/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "inspect.h"
#include "judge.h"
#include "removal.h"
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_UNREAD = 256, UNUSED };

/* Words that are looked at to count what is unread. */
#define STEPS UINT64_C(4000000)

static const struct command_option options[] = {
    {'y', "yes", NULL, "remove them; without it they are only named"},
    {KEEP_UNREAD, "keep-unread", NULL, "keep those with entries not read yet"},
    {UNUSED, "unused", NULL,
     "also those that nobody has and nobody died in: programs left them in "
     "good "
     "order, or are yet to come"},
    {'d', "dir", "DIR", "look there, and not in " SEGMENT_DIRECTORY},
    COMMAND_JSON_OPTION,
    {0},
};

static const struct command_help help = {
    .name = "prune",
    .operands = "[PATTERN]...",
    .summary = "Removes what dead processes left, whose owners are all dead",
    .text = "Never one that is in use: that a process has open by its name, or "
            "has mapped, or\nis opening this moment; nor one with an owner of "
            "which nobody here can tell\nwhether it lives; nor a file that is "
            "not libshmipc's. Without --yes it only says\nwhat it would do. "
            "PATTERNs as those of the shell, \"prices*\", say which names are "
            "meant.\n\n"
            "A process of another pid namespace that has the file mapped is "
            "noticed where the\nkernel grants leases on it, as it does on "
            "tmpfs to the file's owner.\n",
    .options = options,
    .exits = "  0  nothing is left\n"
             "  1  there are leftovers, and --yes was not given\n"
             "  3  one could not be removed, or the directory not be read\n",
};

struct pruning {
    const char *directory;
    bool yes, keep_unread, unused, as_json;
    char **patterns;
    struct proc_uses uses;
    struct json_object *array;
    bool found, failed;
};

static bool is_wanted(const struct pruning *p, const struct inspection *in,
                      size_t users)
{
    bool is_unused =
        in->kind == INSPECT_RING && users == 0 && in->owner_count == 0;

    return judge_is_leftover(in, users) || (p->unused && is_unused);
}

static void tell(const struct pruning *p, const struct segment *s,
                 const struct inspection *in, uint64_t unread, const char *what)
{
    struct json_object *object;

    if (!p->as_json) {
        printf("%s: %s (%" PRIu32 " dead owner%s, %" PRIu64 " unread entr%s)\n",
               s->name, what, in->dead, in->dead == 1 ? "" : "s", unread,
               unread == 1 ? "y" : "ies");
        return;
    }
    object = json_object_new_object();
    json_object_object_add(object, "name", json_object_new_string(s->name));
    json_object_object_add(object, "outcome", json_object_new_string(what));
    json_object_object_add(object, "size",
                           json_object_new_int64(s->file.st_size));
    json_object_object_add(object, "dead", json_object_new_uint64(in->dead));
    json_object_object_add(object, "unread", json_object_new_uint64(unread));
    json_object_array_add(p->array, object);
}

static bool is_meant(const struct pruning *p, const char *name)
{
    if (!*p->patterns)
        return true;
    for (char **pattern = p->patterns; *pattern; pattern++)
        if (fnmatch(**pattern == '/' ? *pattern + 1 : *pattern, name, 0) == 0)
            return true;
    return false;
}

static uint64_t count_unread(const struct inspection *in)
{
    struct inspect_walk walk = {0};

    if (in->kind == INSPECT_RING)
        inspect_count(in, STEPS, &walk);
    return walk.entries;
}

/* Under the locks: somebody may have used it and gone in the meantime. */
static bool is_still_wanted(const struct inspection *in, void *context)
{
    const struct pruning *p = context;

    return is_wanted(p, in, 0) && !(p->keep_unread && count_unread(in));
}

static const char *remove_one(struct pruning *p, const struct segment *s)
{
    char *why;
    enum removal done = removal_try(s, is_still_wanted, p, &why);

    free(why);
    switch (done) {
    case REMOVAL_DONE:
        return "removed";
    case REMOVAL_GONE:
        return "has gone meanwhile";
    case REMOVAL_UNWANTED:
        return "is no leftover by now, and stays";
    case REMOVAL_IN_USE:
        return "is in use by now, and stays";
    case REMOVAL_FAILED:
        break;
    }
    command_complain("%s: %s", s->name, strerror(errno));
    p->failed = true;
    return "could not be removed";
}

static void prune_one(struct pruning *p, const char *name)
{
    struct segment s;
    struct inspection in;

    if (segment_open_in(&s, p->directory, name) == 0) {
        inspect_open(&in, &s);
        if (is_wanted(p, &in, inspect_users(&s, &p->uses))) {
            uint64_t unread = count_unread(&in);

            if (!p->keep_unread || unread == 0) {
                p->found = true;
                tell(p, &s, &in, unread,
                     p->yes ? remove_one(p, &s) : "would be removed");
            }
        }
        inspect_close(&in);
    }
    segment_close(&s);
}

static int prune(struct pruning *p)
{
    struct dirent **names;
    int count = scandir(p->directory, &names, NULL, alphasort);

    if (count < 0) {
        command_complain("%s: %s", p->directory, strerror(errno));
        return COMMAND_FAILED;
    }
    p->array = json_object_new_array();
    proc_find_uses(&p->uses, true);
    for (int i = 0; i < count; i++) {
        if (is_meant(p, names[i]->d_name))
            prune_one(p, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    proc_free_uses(&p->uses);
    if (p->as_json)
        command_print_json(p->array, false);
    else
        json_object_put(p->array);
    if (p->failed)
        return COMMAND_FAILED;
    return p->found && !p->yes ? COMMAND_FOUND : COMMAND_OK;
}

int command_prune(int argc, char **argv)
{
    struct pruning p = {.directory = SEGMENT_DIRECTORY};
    struct command_scan scan;

    command_begin(&scan, &help, argc, argv);
    for (int id; (id = command_next(&scan)) != -1;) {
        p.yes |= id == 'y';
        p.keep_unread |= id == KEEP_UNREAD;
        p.unused |= id == UNUSED;
        p.as_json |= id == 'j';
        if (id == 'd')
            p.directory = scan.value;
    }
    p.patterns = command_operands(&scan, 0, INT_MAX);
    return command_finish(prune(&p));
}
