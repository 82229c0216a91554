/* SPDX-License-Identifier: MIT */
/*
 * What is wrong, in words, and what to do about it: the sentences of stat and
 * doctor.
 */
#ifndef SHMIPC_TOOLS_FINDING_H
#define SHMIPC_TOOLS_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

enum finding_weight {
    FINDING_NOTE,    /* as it can be */
    FINDING_WARNING, /* will hurt, or waits for somebody */
    FINDING_ERROR,   /* does not work as it is */
};

struct finding {
    enum finding_weight weight;
    const char *code; /* one word, for scripts */
    char *text;
    char *advice; /* or NULL */
};

struct findings {
    struct finding *list;
    size_t count;
};

/* Text as by printf(), to be given to finding_add(), which takes it over. */
char *finding_say(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* `advice` may be NULL. */
void finding_add(struct findings *to, enum finding_weight weight,
                 const char *code, char *text, char *advice);

/* Whether something is there that is more than a note. */
bool finding_is_bad(const struct findings *findings);

/* Leaves warnings and errors. */
void finding_drop_notes(struct findings *findings);

/* In lines for people, each text begun by `indent`. */
void finding_print(const struct findings *findings, const char *indent);
struct json_object *finding_to_json(const struct findings *findings);
void finding_free(struct findings *findings);

#endif
