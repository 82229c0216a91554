/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "inspect.h"
#include "judge.h"
#include "style.h"
#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct command_option options[] = {
    {'a', "all", NULL, "name files too that are none of libshmipc's"},
    {'d', "dir", "DIR", "look there, and not in " SEGMENT_DIRECTORY},
    COMMAND_JSON_OPTION,
    {0},
};

static const struct command_help help = {
    .name = "ls",
    .operands = "",
    .summary = "Lists the channels and buffers of this machine",
    .text = "FILL is how much of the ring is between what was read and what "
            "was written.\nALIVE and DEAD count the processes that have an "
            "owner slot: those that have\nwritten, and those that have read "
            "where readers take one, as the one consumer\ndoes. USERS counts "
            "those that have the memory mapped, as far as this user may\nsee. "
            "AGE is since the segment was last changed as a file, which is "
            "when it was\ncreated.\n",
    .options = options,
    .exits = "  0  done, whatever was found\n"
             "  3  the directory could not be read\n",
};

struct listing {
    const char *directory;
    bool all, as_json;
    struct proc_uses uses;
    struct json_object *array;
    size_t shown;
    size_t unreadable; /* files that this user may not look into */
};

static uint64_t age_of(const struct stat *file)
{
    struct timespec now;
    int64_t ns;

    clock_gettime(CLOCK_REALTIME, &now);
    ns = (int64_t)(now.tv_sec - file->st_mtim.tv_sec) * 1000000000 +
         (now.tv_nsec - file->st_mtim.tv_nsec);
    return ns > 0 ? (uint64_t)ns : 0;
}

static const char *state_of(const struct inspection *in, size_t users)
{
    if (in->kind != INSPECT_RING)
        return inspect_kind_name(in->kind);
    if (judge_is_leftover(in, users))
        return "leftover";
    if (in->is_closed || in->is_half_closed)
        return "closed";
    if (in->head == INSPECT_HEAD_DAMAGED || in->head == INSPECT_HEAD_LOST)
        return "damaged";
    return in->alive + in->unknown + users > 0 ? "in use" : "unused";
}

static void add(struct json_object *object, const char *key, uint64_t value)
{
    json_object_object_add(object, key, json_object_new_uint64(value));
}

static void list_as_json(struct listing *l, const struct segment *s,
                         const struct inspection *in, size_t users)
{
    struct json_object *object = json_object_new_object();
    char number[24], mode[8];

    snprintf(mode, sizeof mode, "%04o", (unsigned)s->file.st_mode & 07777);
    json_object_object_add(object, "name", json_object_new_string(s->name));
    json_object_object_add(object, "kind",
                           json_object_new_string(inspect_kind_name(in->kind)));
    json_object_object_add(object, "state",
                           json_object_new_string(state_of(in, users)));
    add(object, "size", (uint64_t)s->file.st_size);
    json_object_object_add(object, "mode", json_object_new_string(mode));
    add(object, "uid", s->file.st_uid);
    json_object_object_add(
        object, "owner",
        json_object_new_string(segment_owner(s->file.st_uid, number)));
    add(object, "age_ns", age_of(&s->file));
    add(object, "users", users);
    if (in->kind == INSPECT_RING) {
        add(object, "capacity", in->capacity);
        add(object, "used", in->used);
        add(object, "alive", in->alive);
        add(object, "dead", in->dead);
        add(object, "unknown", in->unknown);
    }
    json_object_array_add(l->array, object);
}

static void list_as_text(struct listing *l, const struct segment *s,
                         const struct inspection *in, size_t users)
{
    char size[COMMAND_TEXT_MAX], age[COMMAND_TEXT_MAX], fill[8] = "-";
    char alive[16] = "-", dead[16] = "-", number[24];
    const char *state = state_of(in, users);
    bool is_good = strcmp(state, "in use") == 0 || strcmp(state, "unused") == 0;

    if (l->shown == 0)
        printf("%s%9s  MODE  %-8s %5s %5s %5s %5s %7s  %-9s NAME%s\n",
               style_begin(stdout, STYLE_BOLD), "SIZE", "OWNER", "FILL",
               "ALIVE", "DEAD", "USERS", "AGE", "STATE", style_end(stdout));
    if (in->kind == INSPECT_RING) {
        snprintf(fill, sizeof fill, "%u%%",
                 (unsigned)(in->used * 100 / in->capacity));
        snprintf(alive, sizeof alive, "%u%s", in->alive,
                 in->unknown ? "+?" : "");
        snprintf(dead, sizeof dead, "%u", in->dead);
    }
    printf("%9s  %04o  %-8s %5s %5s %5s %5zu %7s  %s%-9s%s %s\n",
           command_format_size((uint64_t)s->file.st_size, size),
           (unsigned)s->file.st_mode & 07777,
           segment_owner(s->file.st_uid, number), fill, alive, dead, users,
           command_format_duration(age_of(&s->file), age),
           style_begin(stdout, is_good ? STYLE_GOOD : STYLE_WARN), state,
           style_end(stdout), s->name);
}

/* Whether it is to be listed. Of what may not be read only the file is known,
 * and not whether it is ours. */
static bool look(struct listing *l, const char *name, struct segment *s,
                 struct inspection *in)
{
    int error = segment_open_in(s, l->directory, name);

    *in = (struct inspection){.kind = INSPECT_UNREADABLE};
    if (error == 0) {
        inspect_open(in, s);
        return l->all || inspect_is_ours(in);
    }
    if (error != EACCES || lstat(s->path, &s->file) != 0 ||
        !S_ISREG(s->file.st_mode))
        return false;
    l->unreadable++;
    return l->all;
}

static void list_one(struct listing *l, const char *name)
{
    struct segment s;
    struct inspection in;

    if (look(l, name, &s, &in)) {
        size_t users = inspect_users(&s, &l->uses);

        if (l->as_json)
            list_as_json(l, &s, &in, users);
        else
            list_as_text(l, &s, &in, users);
        l->shown++;
    }
    inspect_close(&in);
    segment_close(&s);
}

static int list(struct listing *l)
{
    struct dirent **names;
    int count = scandir(l->directory, &names, NULL, alphasort);

    if (count < 0) {
        command_complain("%s: %s", l->directory, strerror(errno));
        return COMMAND_FAILED;
    }
    l->array = json_object_new_array();
    proc_find_uses(&l->uses, false);
    for (int i = 0; i < count; i++) {
        list_one(l, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    proc_free_uses(&l->uses);
    if (l->as_json)
        command_print_json(l->array, false);
    else
        json_object_put(l->array);
    if (l->unreadable && !l->all)
        command_complain("%zu file%s in %s cannot be read by this user: --all "
                         "names them",
                         l->unreadable, l->unreadable == 1 ? "" : "s",
                         l->directory);
    return COMMAND_OK;
}

int command_ls(int argc, char **argv)
{
    struct listing l = {.directory = SEGMENT_DIRECTORY};
    struct command_scan scan;

    command_begin(&scan, &help, argc, argv);
    for (int id; (id = command_next(&scan)) != -1;) {
        if (id == 'a')
            l.all = true;
        if (id == 'd')
            l.directory = scan.value;
        if (id == 'j')
            l.as_json = true;
    }
    command_operands(&scan, 0, 0);
    return command_finish(list(&l));
}
