/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "inspect.h"
#include "removal.h"
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command_option options[] = {
    {'f', "force", NULL,
     "remove it whoever uses it, and whatever is in it; programs that have it "
     "keep the memory and no longer meet those that come by the name"},
    COMMAND_JSON_OPTION,
    {0},
};

static const struct command_help help = {
    .name = "rm",
    .operands = "NAME...",
    .summary = "Removes segments that nobody uses, with what is unread in them",
    .text = "One that a living process has open or mapped, or that holds no "
            "ring of\nlibshmipc, is refused.\n",
    .options = options,
    .exits = "  0  all of them are removed\n"
             "  3  the system refused, and errno is told\n"
             "  4  there is nothing of that name\n"
             "  5  somebody uses it, or it is no ring: --force is needed\n",
};

/* What became of each, for --json; else NULL. */
static struct json_object *array;

static void keep(const char *name, int code)
{
    static const char *const outcomes[] = {
        [COMMAND_OK] = "removed",
        [COMMAND_FAILED] = "failed",
        [COMMAND_NO_SUCH] = "no such",
        [COMMAND_REFUSED] = "refused",
    };
    struct json_object *object;

    if (!array)
        return;
    object = json_object_new_object();
    json_object_object_add(object, "name", json_object_new_string(name));
    json_object_object_add(object, "outcome",
                           json_object_new_string(outcomes[code]));
    json_object_array_add(array, object);
}

static int report(const char *name, enum removal done, const char *why)
{
    switch (done) {
    case REMOVAL_DONE:
        return COMMAND_OK;
    case REMOVAL_GONE:
        command_complain("%s: it has gone meanwhile", name);
        return COMMAND_NO_SUCH;
    case REMOVAL_IN_USE:
        command_complain("%s: it is in use: %s; --force removes the name all "
                         "the same",
                         name, why ? why : "by somebody");
        return COMMAND_REFUSED;
    case REMOVAL_UNWANTED:
    case REMOVAL_FAILED:
        break;
    }
    command_complain("%s: %s", name, strerror(errno));
    return COMMAND_FAILED;
}

static bool is_ours(const struct segment *s)
{
    struct inspection in;
    bool is_ours;

    inspect_open(&in, s);
    is_ours = inspect_is_ours(&in) || in.kind == INSPECT_EMPTY ||
              in.kind == INSPECT_BLANK;
    inspect_close(&in);
    return is_ours;
}

static int remove_opened(const struct segment *s, bool by_force)
{
    enum removal done;
    char *why = NULL;
    int code;

    if (!by_force && !is_ours(s)) {
        command_complain("%s: it holds no ring of libshmipc; --force removes "
                         "it all the same",
                         s->name);
        return COMMAND_REFUSED;
    }
    done = by_force ? removal_force(s) : removal_try(s, NULL, NULL, &why);
    code = report(s->name, done, why);
    free(why);
    return code;
}

static int remove_one(const char *name, bool by_force)
{
    struct segment s;
    int error = segment_open(&s, name);
    int code;

    if (error == 0) {
        code = remove_opened(&s, by_force);
    } else {
        code = command_complain_of(name, error);
    }
    keep(s.name ? s.name : name, code);
    segment_close(&s);
    return code;
}

int command_rm(int argc, char **argv)
{
    struct command_scan scan;
    bool by_force = false;
    int code = COMMAND_OK;
    char **names;

    command_begin(&scan, &help, argc, argv);
    for (int id; (id = command_next(&scan)) != -1;) {
        by_force |= id == 'f';
        if (id == 'j' && !array)
            array = json_object_new_array();
    }
    names = command_operands(&scan, 1, INT_MAX);
    for (; *names; names++) {
        int one = remove_one(*names, by_force);

        code = one ? one : code;
    }
    if (array)
        command_print_json(array, false);
    return command_finish(code);
}
