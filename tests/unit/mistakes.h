/* SPDX-License-Identifier: MIT */
/*
 * How the texts of mistakes are looked at: each says what was wrong and what to
 * do, where there is a number also which, and no two share one.
 */
#ifndef TEST_MISTAKES_H
#define TEST_MISTAKES_H

#include "channels.h"

enum { BLOCKS = 8, MOST = 200 };

static const struct timespec none = {0, 0};
static char data[BLOCKS * 64 + 1];

static struct {
    const char *mistake;
    const char *text;
} said[MOST];
static int count;

/* True: they are printed, and what is wrong with them is as well. */
static bool are_read(void)
{
    return getenv("TEXTS") != NULL;
}

#define must_have(condition, ...)                                              \
    do {                                                                       \
        if (are_read() && !(condition))                                        \
            printf("    WRONG: " __VA_ARGS__), putchar('\n');                  \
        else                                                                   \
            must_say(condition, __VA_ARGS__);                                  \
    } while (0)

static void must_be_its_own(const char *mistake, const char *text)
{
    for (int i = 0; i < count; i++)
        must_have(strcmp(said[i].text, text) != 0, "%s and %s share: %s",
                  said[i].mistake, mistake, text);
    must(count < MOST);
    said[count].mistake = mistake;
    said[count].text = text;
    count++;
}

static void must_say_both(const char *mistake, const char *text,
                          const char *wrong, const char *help)
{
    if (are_read())
        printf("%s:\n    %s\n", mistake, text);
    must_have(strstr(text, wrong), "%s: not \"%s\": %s", mistake, wrong, text);
    must_have(strstr(text, help), "%s: no help \"%s\": %s", mistake, help,
              text);
}

/* The text says that it is `wrong`, and as a help `help`; and nothing else says
 * just that. */
#define must_tell(mistake, call, status, wrong, help)                          \
    do {                                                                       \
        __extension__ __auto_type r_ = (call);                                 \
                                                                               \
        must_have(r_.ipc_status == (status), "%s is %s", mistake,              \
                  ipc_status_name(r_.ipc_status));                             \
        if (r_.ipc_status < 0)                                                 \
            must_say_both(mistake, r_.error.detail, wrong, help);              \
        if (r_.ipc_status < 0)                                                 \
            must_be_its_own(mistake, r_.error.detail);                         \
    } while (0)

/* The number is in the body, and the text says in which member. */
#define must_tell_number(mistake, call, status, wrong, help, member, number)   \
    do {                                                                       \
        __extension__ __auto_type n_ = (call);                                 \
                                                                               \
        must_tell(mistake, n_, status, wrong, help);                           \
        if (n_.ipc_status >= 0)                                                \
            break;                                                             \
        must_have(n_.error.has_body &&                                         \
                      (int64_t)n_.error.body.member == (int64_t)(number),      \
                  "%s: %s is not told", mistake, #member);                     \
        must_have(strstr(n_.error.detail, #member), "%s: says nothing of %s",  \
                  mistake, #member);                                           \
    } while (0)

#endif
