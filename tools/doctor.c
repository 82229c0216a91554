/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "judge.h"
#include "machine.h"
#include "style.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Between the two looks at what stands still. */
#define INTERVAL_NS UINT64_C(200000000)

static const struct command_option options[] = {
    {'d', "dir", "DIR",
     "look at the segments there, not in " SEGMENT_DIRECTORY},
    {'q', "quiet", NULL, "print warnings and errors only"},
    COMMAND_JSON_OPTION,
    {0},
};

static const struct command_help help = {
    .name = "doctor",
    .operands = "",
    .summary = "Looks what is wrong on this machine, and says what to do",
    .text = "At the kernel, the container, the memory for segments, and each "
            "channel: stuck\nones, closed ones, what dead processes left. "
            "Only looks. Notes are what is as it\ncan be, and good to know.\n",
    .options = options,
    .exits = "  0  nothing is wrong\n"
             "  1  there are warnings or errors\n"
             "  3  the directory of segments cannot be read\n",
};

struct patient {
    char *name; /* of the file */
    struct judge_past past;
};

struct visit {
    const char *directory;
    bool quiet, as_json;
    struct proc_uses uses;
    struct patient *patients;
    size_t count;
    size_t unreadable; /* files that this user may not look into */
    struct json_object *segments;
    unsigned weights[FINDING_ERROR + 1];
};

static void tell(struct visit *v, const char *name, struct findings *findings)
{
    struct json_object *object;

    for (size_t i = 0; i < findings->count; i++)
        v->weights[findings->list[i].weight]++;
    if (v->as_json) {
        object = json_object_new_object();
        json_object_object_add(object, "name", json_object_new_string(name));
        json_object_object_add(object, "findings", finding_to_json(findings));
        json_object_array_add(v->segments, object);
        return;
    }
    if (v->quiet)
        finding_drop_notes(findings);
    if (findings->count == 0)
        return;
    printf("%s%s%s\n", style_begin(stdout, STYLE_BOLD), name,
           style_end(stdout));
    finding_print(findings, "  ");
}

/* Whose whole, or where one would have been made. */
static void examine(struct visit *v, struct patient *patient, bool is_last)
{
    struct segment s;
    struct inspection in;
    int error = segment_open_in(&s, v->directory, patient->name);

    v->unreadable += is_last && error == EACCES;
    if (error == 0) {
        inspect_open(&in, &s);
        judge_remember(&patient->past, &in, is_last ? INTERVAL_NS : 0);
        if (is_last && inspect_is_ours(&in)) {
            size_t users = inspect_users(&s, &v->uses);
            inspect_find_inner(&in, v->uses.list, users);
            struct judge_case c = {&s, &in, v->uses.list, users, patient->past};
            struct findings findings = {0};

            judge_segment(&c, &findings);
            tell(v, s.name, &findings);
            finding_free(&findings);
        }
        inspect_close(&in);
    }
    segment_close(&s);
}

static bool find_patients(struct visit *v)
{
    struct dirent **names;
    int count = scandir(v->directory, &names, NULL, alphasort);

    if (count < 0)
        return false;
    v->patients = calloc((size_t)count + 1, sizeof *v->patients);
    for (int i = 0; i < count; i++) {
        if (v->patients)
            v->patients[v->count++].name = strdup(names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return true;
}

static void examine_all(struct visit *v)
{
    const struct timespec interval = {.tv_nsec = (long)INTERVAL_NS};

    for (size_t i = 0; i < v->count; i++)
        if (v->patients[i].name)
            examine(v, &v->patients[i], false);
    nanosleep(&interval, NULL);
    proc_find_uses(&v->uses, false);
    for (size_t i = 0; i < v->count; i++) {
        if (v->patients[i].name)
            examine(v, &v->patients[i], true);
        free(v->patients[i].name);
    }
    free(v->patients);
    proc_free_uses(&v->uses);
}

static void conclude(struct visit *v, struct findings *machine)
{
    struct json_object *object = json_object_new_object();

    if (v->as_json) {
        json_object_object_add(object, "machine", finding_to_json(machine));
        json_object_object_add(object, "segments", v->segments);
        json_object_object_add(object, "unreadable",
                               json_object_new_uint64(v->unreadable));
        command_print_json(object, false);
        return;
    }
    json_object_put(object);
    json_object_put(v->segments);
    if (v->unreadable)
        printf("%zu file%s in %s cannot be read by this user: look as another "
               "one\n",
               v->unreadable, v->unreadable == 1 ? "" : "s", v->directory);
    printf("%u error%s, %u warning%s, %u note%s\n", v->weights[FINDING_ERROR],
           v->weights[FINDING_ERROR] == 1 ? "" : "s",
           v->weights[FINDING_WARNING],
           v->weights[FINDING_WARNING] == 1 ? "" : "s",
           v->weights[FINDING_NOTE], v->weights[FINDING_NOTE] == 1 ? "" : "s");
}

static int visit(struct visit *v)
{
    struct findings machine = {0};
    bool is_readable;

    v->segments = json_object_new_array();
    machine_judge(v->directory, &machine);
    if (v->as_json)
        for (size_t i = 0; i < machine.count; i++)
            v->weights[machine.list[i].weight]++;
    else
        tell(v, "this machine", &machine);
    is_readable = find_patients(v);
    if (is_readable)
        examine_all(v);
    else
        command_complain("%s: %s", v->directory, strerror(errno));
    conclude(v, &machine);
    finding_free(&machine);
    if (!is_readable)
        return COMMAND_FAILED;
    return v->weights[FINDING_WARNING] + v->weights[FINDING_ERROR] > 0
               ? COMMAND_FOUND
               : COMMAND_OK;
}

int command_doctor(int argc, char **argv)
{
    struct visit v = {.directory = SEGMENT_DIRECTORY};
    struct command_scan scan;

    command_begin(&scan, &help, argc, argv);
    for (int id; (id = command_next(&scan)) != -1;) {
        v.quiet |= id == 'q';
        v.as_json |= id == 'j';
        if (id == 'd')
            v.directory = scan.value;
    }
    command_operands(&scan, 0, 0);
    return command_finish(visit(&v));
}
