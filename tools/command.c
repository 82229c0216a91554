/* SPDX-License-Identifier: MIT */
#include "command.h"
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTIONS_MAX = 32,
    HELP_ID = 'h',
    HELP_INDENT = 23,
    HELP_WIDTH = 78,
};

void command_complain(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fputs("shmipc: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

int command_complain_of(const char *name, int error)
{
    command_complain("%s: %s", name,
                     error == ENOENT ? "there is no segment of that name"
                     : error == EINVAL
                         ? "no name of a segment, or no plain file"
                         : strerror(error));
    return error == ENOENT ? COMMAND_NO_SUCH : COMMAND_FAILED;
}

_Noreturn void command_misuse(const struct command_help *help,
                              const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "shmipc %s: ", help->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "; see `shmipc %s --help`\n", help->name);
    exit(COMMAND_USAGE);
}

_Noreturn void command_refuse_value(const struct command_scan *scan)
{
    const struct command_option *o = scan->help->options;

    while (o->name && o->id != scan->id)
        o++;
    command_misuse(scan->help, "\"%s\" is no %s for --%s", scan->value,
                   o->value ? o->value : "value", o->name ? o->name : "");
}

/* One word of several, in lines that begin in one column. */
static int print_word(const char *word, int size, int column, int indent)
{
    if (column > indent && column + 1 + size > HELP_WIDTH) {
        printf("\n%*s", indent, "");
        column = indent;
    } else if (column > indent) {
        putchar(' ');
        column++;
    }
    printf("%.*s", size, word);
    return column + size;
}

static void print_wrapped(const char *text, int indent)
{
    int column = indent;

    while (*text) {
        int size = (int)strcspn(text, " ");

        column = print_word(text, size, column, indent);
        text += size;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* Paragraphs are broken into lines; a line that begins with a space is one of a
 * table, and stays as it is. */
static void print_text(const char *text)
{
    int column = 0;

    while (*text) {
        int size = (int)strcspn(text, *text == ' ' ? "\n" : " \n");

        column = print_word(text, size, column, 0);
        text += size;
        if (*text && *text++ == ' ')
            continue;
        if (*text == '\0' || *text == '\n' || *text == ' ') {
            putchar('\n');
            column = 0;
        }
        for (; *text == '\n'; text++)
            putchar('\n');
    }
}

static void print_option(const struct command_option *option)
{
    char left[64];
    int used;

    used = snprintf(left, sizeof left, option->id < 256 ? "  -%c, " : "      ",
                    option->id);
    used += snprintf(left + used, sizeof left - (size_t)used, "--%s%s%s",
                     option->name, option->value ? "=" : "",
                     option->value ? option->value : "");
    if (used >= HELP_INDENT)
        printf("%s\n%*s", left, HELP_INDENT, "");
    else
        printf("%-*s", HELP_INDENT, left);
    print_wrapped(option->help, HELP_INDENT);
}

/* In the order of the codes, with the one that all have among them. */
static void print_exits(const char *lines)
{
    static const char wrong[] = "  2  the command line is wrong\n";
    bool is_told = false;

    for (const char *line = lines; *line; line = strchr(line, '\n') + 1) {
        if (!is_told && line[2] > '2') {
            fputs(wrong, stdout);
            is_told = true;
        }
        printf("%.*s\n", (int)strcspn(line, "\n"), line);
    }
    if (!is_told)
        fputs(wrong, stdout);
}

static _Noreturn void print_help(const struct command_help *help)
{
    static const struct command_option help_option = {
        HELP_ID, "help", NULL, "print this and do nothing"};

    printf("usage: shmipc %s [OPTION]...%s%s\n\n%s.\n", help->name,
           *help->operands ? " " : "", help->operands, help->summary);
    if (*help->text)
        putchar('\n');
    print_text(help->text);
    puts("\noptions:");
    for (const struct command_option *o = help->options; o->name; o++)
        print_option(o);
    print_option(&help_option);
    puts("\nexit code:");
    print_exits(help->exits);
    exit(command_finish(COMMAND_OK));
}

void command_begin(struct command_scan *scan, const struct command_help *help,
                   int argc, char **argv)
{
    *scan = (struct command_scan){.help = help, .argc = argc, .argv = argv};
    optind = 1;
    opterr = 0;
}

/* The table as getopt_long() has it. */
static void make_options(const struct command_help *help, char *letters,
                         struct option *options)
{
    *letters++ = ':';
    for (const struct command_option *o = help->options; o->name; o++) {
        *options++ = (struct option){
            o->name, o->value ? required_argument : no_argument, NULL, o->id};
        if (o->id > 255)
            continue;
        *letters++ = (char)o->id;
        if (o->value)
            *letters++ = ':';
    }
    *letters++ = HELP_ID;
    *letters = '\0';
    *options++ = (struct option){"help", no_argument, NULL, HELP_ID};
    *options = (struct option){0};
}

int command_next(struct command_scan *scan)
{
    char letters[2 * OPTIONS_MAX + 3];
    struct option options[OPTIONS_MAX + 2];
    int at = optind < scan->argc ? optind : scan->argc - 1;
    int id;

    make_options(scan->help, letters, options);
    id = getopt_long(scan->argc, scan->argv, letters, options, NULL);
    scan->next = optind;
    scan->id = id;
    scan->value = optarg;
    if (id == HELP_ID)
        print_help(scan->help);
    if (id == ':')
        command_misuse(scan->help, "%s lacks its value", scan->argv[at]);
    if (id == '?')
        command_misuse(scan->help, "unknown option %s", scan->argv[at]);
    return id;
}

char **command_operands(struct command_scan *scan, int least, int most)
{
    int count = scan->argc - scan->next;

    if (count < least)
        command_misuse(scan->help, "%s is missing", scan->help->operands);
    if (count > most)
        command_misuse(scan->help, "\"%s\" is one too many",
                       scan->argv[scan->next + most]);
    return scan->argv + scan->next;
}

/* A number, which may have a fraction, and where it ends. Not by strtod(),
 * which takes signs, hexadecimals, infinities and nan, and a locale's comma. */
static bool parse_number(const char *text, double *number, const char **end)
{
    double unit = 1;

    if (!isdigit((unsigned char)*text))
        return false;
    for (*number = 0; isdigit((unsigned char)*text); text++)
        *number = *number * 10 + (*text - '0');
    if (*text == '.')
        for (text++; isdigit((unsigned char)*text); text++)
            *number += (unit /= 10) * (*text - '0');
    *end = text;
    return isfinite(*number);
}

static bool to_u64(double number, uint64_t *to)
{
    /* 2^64, which is one too many, is the nearest double. */
    if (number >= 18446744073709551616.0)
        return false;
    *to = (uint64_t)number;
    return true;
}

bool command_parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    const char *end, *unit;
    double number;

    if (!parse_number(text, &number, &end))
        return false;
    unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    if (unit) {
        number *= (double)(UINT64_C(1) << (10 * (unit - units + 1)));
        end++;
        if (*end == 'i')
            end++;
    }
    if (*end == 'B')
        end++;
    return *end == '\0' && to_u64(number, bytes);
}

bool command_parse_duration(const char *text, uint64_t *ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"", 1e9},     {"s", 1e9},    {"ms", 1e6},
                 {"us", 1e3},   {"ns", 1},     {"m", 60e9},
                 {"min", 60e9}, {"h", 3600e9}, {"d", 86400e9}};
    const char *end;
    double number;

    if (!parse_number(text, &number, &end))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].name) == 0)
            return to_u64(number * units[i].ns, ns);
    return false;
}

bool command_parse_count(const char *text, uint64_t *count)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    *count = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

char *command_format_size(uint64_t bytes, char to[COMMAND_TEXT_MAX])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    size_t i = 0;

    while (value >= 1024 && i + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        i++;
    }
    /* Whole numbers have no ".0", and large ones no use for one. */
    snprintf(to, COMMAND_TEXT_MAX,
             value >= 100 || value == (double)(uint64_t)value ? "%.0f %s"
                                                              : "%.1f %s",
             value, units[i]);
    return to;
}

char *command_format_duration(uint64_t ns, char to[COMMAND_TEXT_MAX])
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{UINT64_C(86400000000000), "d"},
                 {UINT64_C(3600000000000), "h"},
                 {UINT64_C(60000000000), "min"},
                 {1000000000, "s"},
                 {1000000, "ms"},
                 {1000, "us"},
                 {1, "ns"}};
    size_t i = 0;

    /* Two of a unit, or it is told in the next smaller one: "90 min". */
    while (i + 1 < sizeof units / sizeof units[0] && ns < 2 * units[i].ns)
        i++;
    snprintf(to, COMMAND_TEXT_MAX, "%llu %s",
             (unsigned long long)(ns / units[i].ns), units[i].name);
    return to;
}

/* Bytes of the UTF-8 character at `text`; 0: there is none. */
static size_t character_at(const unsigned char *text)
{
    size_t size = *text < 0x80 ? 1 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;
    uint32_t code = size == 1 ? *text : *text & (0x7fU >> size);
    static const uint32_t least[] = {0, 0x20, 0xa0, 0x800, 0x10000};

    if ((*text >= 0x80 && *text < 0xc2) || *text > 0xf4 || *text == 0x7f)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3fU);
    }
    return code < least[size] || code > 0x10ffff ||
                   (code >= 0xd800 && code < 0xe000)
               ? 0
               : size;
}

void command_clean(char *text)
{
    while (*text) {
        size_t size = character_at((const unsigned char *)text);

        if (size == 0)
            *text = '?';
        text += size ? size : 1;
    }
}

void command_print_json(struct json_object *object, bool in_one_line)
{
    int look = JSON_C_TO_STRING_NOSLASHESCAPE;

    if (!in_one_line)
        look |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
    puts(json_object_to_json_string_ext(object, look));
    json_object_put(object);
}

int command_finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "shmipc: cannot write to standard output: %s\n",
            strerror(errno));
    return COMMAND_FAILED;
}
