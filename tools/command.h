/* SPDX-License-Identifier: MIT */
/*
 * What all commands share: exit codes, options and help, errors, sizes and
 * durations.
 *
 * A command is `int command_NAME(int argc, char **argv)` in NAME.c, with its
 * own name in argv[0]; it returns a COMMAND_* code. It describes itself by a
 * struct command_help, from which the options are read and --help is printed,
 * so that what is accepted and what is said are the same.
 */
#ifndef SHMIPC_TOOLS_COMMAND_H
#define SHMIPC_TOOLS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/* What the shell sees. Each command says in its help what 1 means for it. */
enum command_exit {
    COMMAND_OK = 0,
    COMMAND_FOUND = 1,   /* done, and there is something to be told of */
    COMMAND_USAGE = 2,   /* the command line is wrong; nothing was done */
    COMMAND_FAILED = 3,  /* a system call failed, or memory is no channel */
    COMMAND_NO_SUCH = 4, /* there is nothing of that name */
    COMMAND_REFUSED = 5, /* somebody uses it, or --yes or --force is needed */
    COMMAND_TIMEOUT = 6, /* what was waited for did not come in time */
    COMMAND_CLOSED = 7,  /* the channel was closed before all was done */
};

struct command_option {
    int id;            /* a letter, which is the short option too; or > 255 */
    const char *name;  /* the long option */
    const char *value; /* what its value is called, or NULL: it has none */
    const char *help;  /* a phrase; lines are broken by the printer */
};

struct command_help {
    const char *name;
    const char *operands; /* as in "[NAME]..." */
    const char *summary;  /* one line */
    const char *text;     /* paragraphs; lines that begin with a space stay */
    const struct command_option *options; /* ends by a NULL name */
    const char *exits; /* lines: "  1  leftovers exist", by code */
};

/* Steps through the options of a command. --help, and what is wrong, ends the
 * program. */
struct command_scan {
    const struct command_help *help;
    int argc;
    char **argv;
    int id;            /* that command_next() returned */
    const char *value; /* of that option */
    int next;          /* afterwards: the index of the first operand */
};

void command_begin(struct command_scan *scan, const struct command_help *help,
                   int argc, char **argv);
/* The id of the next option, or -1 when only operands are left. */
int command_next(struct command_scan *scan);
/* The operands that are left; ends the program if they are not so many. */
char **command_operands(struct command_scan *scan, int least, int most);

/* "shmipc ls: text", and a hint at --help: ends the program by COMMAND_USAGE.
 */
_Noreturn void command_misuse(const struct command_help *help,
                              const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for the value of the option that command_next() returned last. */
_Noreturn void command_refuse_value(const struct command_scan *scan);
/* "shmipc: text" on standard error. Never ends the program. */
void command_complain(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* The same for a segment that cannot be opened: the code to end by. */
int command_complain_of(const char *name, int error);

/* "4096", "64K", "1.5M", "2G", with or without "iB": bytes. */
bool command_parse_size(const char *text, uint64_t *bytes);
/* "5", "0.5s", "100ms", "20us", "2m", "1h": nanoseconds; without a unit,
 * seconds. */
bool command_parse_duration(const char *text, uint64_t *ns);
/* A number in decimal, no sign. */
bool command_parse_count(const char *text, uint64_t *count);

/* What a person reads: "64 KiB", "1.5 GiB"; "12 s", "3 h". They return `to`. */
enum { COMMAND_TEXT_MAX = 32 };
char *command_format_size(uint64_t bytes, char to[COMMAND_TEXT_MAX]);
char *command_format_duration(uint64_t ns, char to[COMMAND_TEXT_MAX]);

/* Makes it fit for terminals and JSON: bytes that move cursors, and what is no
 * UTF-8, become question marks. Names of files and processes can be anything.
 */
void command_clean(char *text);

/* Prints it on standard output, and lets go of it. In one line: for those who
 * read a stream of them. */
void command_print_json(struct json_object *object, bool in_one_line);
/* Flushes standard output: `code`, or COMMAND_FAILED if it could not all be
 * written. */
int command_finish(int code);

/* The text of an option that all have. */
#define COMMAND_JSON_OPTION                                                    \
    {                                                                          \
        'j', "json", NULL, "print JSON instead of text for people"             \
    }

int command_bridge(int argc, char **argv);
int command_create(int argc, char **argv);
int command_record(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_send(int argc, char **argv);
int command_recv(int argc, char **argv);
int command_perf(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_dump(int argc, char **argv);
int command_ls(int argc, char **argv);
int command_prune(int argc, char **argv);
int command_recover(int argc, char **argv);
int command_rm(int argc, char **argv);
int command_stat(int argc, char **argv);
int command_tap(int argc, char **argv);

#endif
