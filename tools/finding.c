/* SPDX-License-Identifier: MIT */
#include "finding.h"
#include "command.h"
#include "style.h"
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const weights[] = {
    [FINDING_NOTE] = "note",
    [FINDING_WARNING] = "warning",
    [FINDING_ERROR] = "error",
};

static const enum style styles[] = {
    [FINDING_NOTE] = STYLE_DIM,
    [FINDING_WARNING] = STYLE_WARN,
    [FINDING_ERROR] = STYLE_BAD,
};

char *finding_say(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    return text;
}

void finding_add(struct findings *to, enum finding_weight weight,
                 const char *code, char *text, char *advice)
{
    struct finding *list =
        realloc(to->list, (to->count + 1) * sizeof *to->list);

    if (!list || !text) {
        free(text);
        free(advice);
    }
    if (list)
        to->list = list;
    if (list && text)
        list[to->count++] = (struct finding){weight, code, text, advice};
}

bool finding_is_bad(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->list[i].weight != FINDING_NOTE)
            return true;
    return false;
}

void finding_drop_notes(struct findings *findings)
{
    size_t kept = 0;

    for (size_t i = 0; i < findings->count; i++) {
        struct finding f = findings->list[i];

        if (f.weight == FINDING_NOTE) {
            free(f.text);
            free(f.advice);
        } else {
            findings->list[kept++] = f;
        }
    }
    findings->count = kept;
}

void finding_print(const struct findings *findings, const char *indent)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];

        printf("%s%s%s:%s %s", indent, style_begin(stdout, styles[f->weight]),
               weights[f->weight], style_end(stdout), f->text);
        style_end_line(stdout);
        if (!f->advice)
            continue;
        printf("%s    -> %s", indent, f->advice);
        style_end_line(stdout);
    }
}

struct json_object *finding_to_json(const struct findings *findings)
{
    struct json_object *array = json_object_new_array();

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        struct json_object *object = json_object_new_object();

        json_object_object_add(object, "weight",
                               json_object_new_string(weights[f->weight]));
        json_object_object_add(object, "code", json_object_new_string(f->code));
        json_object_object_add(object, "text", json_object_new_string(f->text));
        if (f->advice)
            json_object_object_add(object, "advice",
                                   json_object_new_string(f->advice));
        json_object_array_add(array, object);
    }
    return array;
}

void finding_free(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->list[i].text);
        free(findings->list[i].advice);
    }
    free(findings->list);
    *findings = (struct findings){0};
}
